// A server of the demo on a temporary data folder; or one that runs already, by ENTENTE_URL.

import { execFileSync, spawn } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import net from "node:net";
import os from "node:os";
import path from "node:path";

const DEMO = path.join(import.meta.dirname, "..", "demo");
const USERS = ["marketer", "engineer", "privacy", "executive"];
const START_MS_MAX = 180_000;

/** Starts the program; gives its address, how each user signs in, a token for each, its workspace, and how to stop it. */
export async function startServer() {
  if (process.env.ENTENTE_URL) return running(process.env.ENTENTE_URL, process.env);
  const program = process.env.ENTENTE_BIN;
  if (!program) throw new Error("set ENTENTE_BIN to the program, or ENTENTE_URL to a server that runs");
  const folder = mkdtempSync(path.join(os.tmpdir(), "entente-walks-"));
  // Walks save questions into the workspace: they get one of their own.
  const workspace = path.join(folder, "demo");
  cpSync(DEMO, workspace, { recursive: true });
  const { key, linkOf } = signerOf("website");
  nameSigner(path.join(workspace, "sources/website.yaml"), key);
  const address = `127.0.0.1:${await freePort()}`;
  const places = ["--workspace", workspace, "--data", path.join(folder, "data")];
  const child = spawn(program, ["up", ...places, "--listen", address, "--sign-ins"], { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text) => (printed += text));
  const stop = async () => {
    if (child.exitCode === null) {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      const late = setTimeout(() => child.kill("SIGKILL"), 5_000);
      await gone;
      clearTimeout(late);
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await ready(`http://${address}`, child);
  } catch (error) {
    await stop();
    throw error;
  }
  const signInOf = (user) => ({ name: user, secret: secret(printed, user) });
  const tokenOf = (user) => execFileSync(program, ["token", user, ...places], { encoding: "utf8" }).trim().split(/\s+/).at(-1);
  return { url: `http://${address}`, signInOf, tokenOf, linkOf, workspace, stop };
}

/** A pair of our own: the half that a source names, and what makes the address of somebody's preferences with the other. */
export function signerOf(source) {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const key = publicKey.export({ type: "spki", format: "der" }).toString("base64");
  const part = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const linkOf = (user) => {
    const now = Math.floor(Date.now() / 1000);
    const claims = { sub: user, aud: `${source}/preferences`, iat: now, exp: now + 30 * 86_400 };
    const head = `${part({ alg: "EdDSA" })}.${part(claims)}`;
    return `/preferences?token=${head}.${sign(null, Buffer.from(head), privateKey).toString("base64url")}`;
  };
  return { key, linkOf };
}

/** Lets the pair sign for the demo's website. */
function nameSigner(file, key) {
  const text = readFileSync(file, "utf8");
  const signed = text.replace("kind: public,", `kind: public, signed_by: ["${key}"],`);
  if (signed === text) throw new Error(`${file} has no public key`);
  writeFileSync(file, signed);
}

/** A server that runs already: `marketer=NAME:SECRET,...` says who signs in, `marketer=TOKEN,...` with which tokens. */
function running(url, { ENTENTE_SIGN_INS: signIns = "", ENTENTE_TOKENS: tokens = "" }) {
  const pairs = (text) => new Map(text.split(",").map((pair) => pair.split("=")));
  const users = pairs(signIns);
  const signInOf = (user) => {
    const [name, secret] = users.get(user)?.split(":") ?? [];
    return { name, secret };
  };
  return { url, signInOf, tokenOf: (user) => pairs(tokens).get(user), stop: async () => {} };
}

/** The last word of the line that begins with the user's name: a password, or a link that signs in. */
function secret(printed, user) {
  if (!USERS.includes(user)) throw new Error(`the demo has no user ${user}`);
  const line = printed.split("\n").find((text) => text.trim().split(/\s+/)[0] === user);
  if (!line) throw new Error(`the program printed no sign-in for ${user}:\n${printed}`);
  return line.trim().split(/\s+/).at(-1);
}

/** Waits until the demo is loaded and questions can be answered. */
async function ready(url, child) {
  const until = Date.now() + START_MS_MAX;
  while (Date.now() < until) {
    if (child.exitCode !== null) throw new Error(`the program ended at once (${child.exitCode})`);
    const health = await fetch(`${url}/health`).catch(() => null);
    if (health?.ok && (await health.json()).ready) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`the program was not ready within ${START_MS_MAX / 1000} s`);
}

function freePort() {
  return new Promise((resolve, reject) => {
    const probe = net.createServer().once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => resolve(port));
    });
  });
}
