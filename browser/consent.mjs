// Consent strings as the IAB's own libraries read them: what our decoder is compared with.
//
//   node browser/consent.mjs decode [--any-cmp] FILE...
//   node browser/consent.mjs random N SEED
//
// `decode` reads a string per line, and `random` makes N of them with the encoders of the libraries, the same ones for the
// same seed: TC strings and GPP strings by turns. Both print one line of JSON per string: `string`, `valid`, and where a
// library takes it `tcf`, or `gpp` with the sections by their ids. How many were not taken, and why, goes to the other
// channel. `random` ends with 1 when a string of the encoders is not taken.
//
// How the values are written: times are milliseconds since 1970; a set of bits is the list of the positions that are set,
// counted from 1; restrictions are [purpose, type, vendors]; all lists of ids ascend. What an absent segment would hold is
// null in `tcf` and left out elsewhere.
//
// What is not as the libraries have it (@iabtechlabtcf/core 1.5.21, @iabgpp/cmpapi 3.2.0):
//
// - The GPP library decodes a section when a field of it is asked for. Every field is asked for here, so that a string with
//   one bad section is not valid. Sections that it does not know it skips unread, but for empty ones.
// - Section 2 must please both libraries, and what is printed is from the TCF library: the other one takes strings that end
//   amid the restrictions, empty segments, any version, and vendor 0.
// - Without its core segment a string of TCF or of Canada decodes to the defaults of the library, with today as its date.
//   It is not valid here. Nor is version 1 of TCF, which the library reads.
// - The libraries fill in defaults for absent segments. For US sections they tell (`GpcSegmentIncluded`,
//   `SensitiveDataConsentSegmentIncluded`, which are no fields of the string and not printed), for TCF and Canada they do
//   not: the segments' types are looked up in the text.
// - The TCF library refuses CMP 0 and 1, although that says nothing of the string's form, and many test strings have 0.
//   `--any-cmp` lets them pass.
// - The first character of US Privacy (section 6) is read as a number, and as null where it is none.
// - The GPP library sets no bound to the ranges of a header and of Canada: `DBAEhJAAEi9` ends the whole process for lack of
//   memory, which nothing here can catch.

import {
  GppModel,
  HeaderV1,
  RangeEntry,
  Sections,
  TCFCAV1_DISCLOSED_VENDORS_SEGMENT_FIELD_NAMES,
  TCFCAV1_PUBLISHER_PURPOSES_SEGMENT_FIELD_NAMES,
  TcfCaV1,
  TcfEuV2,
  UsNat,
  UspV1,
} from "@iabgpp/cmpapi";
import * as gppLibrary from "@iabgpp/cmpapi";
import {
  Base64Url,
  BitLength,
  PurposeRestriction,
  PurposeRestrictionVector,
  Segment,
  SegmentEncoder,
  SegmentIDs,
  TCModel,
  TCString,
  Vector,
} from "@iabtechlabtcf/core";
import { readFileSync } from "node:fs";

const VENDOR_ID_MAX = 1500;
const TCF_VERSION = 2;
const SEGMENT_ID = SegmentIDs.KEY_TO_ID;
/** Indiana, Kentucky and Rhode Island have their sensitive data in a segment of their own, and no GPC. */
const SENSITIVE_APART = new Set([25, 26, 27]);

// ---- What is printed -------------------------------------------------------------------------------------------------------

const ascending = (ids) => [...new Set(ids)].sort((a, b) => a - b);
const idsOf = (vector) => ascending(vector.values());

function tcfShape({ model, segments }) {
  const ofPublisher = (vector) => (segments.has(SEGMENT_ID[Segment.PUBLISHER_TC]) ? idsOf(vector) : null);
  return {
    version: model.version,
    created: model.created.getTime(),
    lastUpdated: model.lastUpdated.getTime(),
    cmpId: model.cmpId,
    cmpVersion: model.cmpVersion,
    consentScreen: model.consentScreen,
    consentLanguage: model.consentLanguage,
    vendorListVersion: model.vendorListVersion,
    policyVersion: model.policyVersion,
    isServiceSpecific: model.isServiceSpecific,
    useNonStandardTexts: model.useNonStandardTexts,
    specialFeatures: idsOf(model.specialFeatureOptins),
    purposeConsents: idsOf(model.purposeConsents),
    purposeLegitimateInterests: idsOf(model.purposeLegitimateInterests),
    purposeOneTreatment: model.purposeOneTreatment,
    publisherCountry: model.publisherCountryCode,
    vendorConsents: idsOf(model.vendorConsents),
    vendorLegitimateInterests: idsOf(model.vendorLegitimateInterests),
    restrictions: tcfRestrictions(model.publisherRestrictions),
    disclosedVendors: segments.has(SEGMENT_ID[Segment.VENDORS_DISCLOSED]) ? idsOf(model.vendorsDisclosed) : null,
    publisherConsents: ofPublisher(model.publisherConsents),
    publisherLegitimateInterests: ofPublisher(model.publisherLegitimateInterests),
    publisherCustomConsents: ofPublisher(model.publisherCustomConsents),
    publisherCustomLegitimateInterests: ofPublisher(model.publisherCustomLegitimateInterests),
  };
}

const byPurposeAndType = (a, b) => a[0] - b[0] || a[1] - b[1];

function tcfRestrictions(vector) {
  const entries = vector.getRestrictions().map((entry) => [entry.purposeId, entry.restrictionType, vector.getVendors(entry)]);
  return entries.sort(byPurposeAndType);
}

/** The same for Canada, where the library keeps entries as they stand: repeated, in any order, even without a vendor. */
function rangeRestrictions(entries) {
  const vendors = new Map();
  for (const { key, type, ids } of entries) {
    const name = `${key} ${type}`;
    if (ids.length > 0) vendors.set(name, [...(vendors.get(name) ?? []), ...ids]);
  }
  return [...vendors].map(([name, ids]) => [...name.split(" ").map(Number), ascending(ids)]).sort(byPurposeAndType);
}

function plain(value) {
  if (value instanceof Date) return value.getTime();
  if (!Array.isArray(value)) return value;
  if (value[0] instanceof RangeEntry) return rangeRestrictions(value);
  return typeof value[0] === "boolean" ? value.flatMap((isSet, index) => (isSet ? [index + 1] : [])) : value;
}

function sectionShape({ fields, absent }) {
  const present = Object.entries(fields).filter(([name]) => !absent.includes(name));
  const shape = Object.fromEntries(present.map(([name, value]) => [name, plain(value)]));
  for (const name of ["VendorExpressConsent", "VendorImpliedConsent", "DisclosedVendors"]) {
    // Ranges may overlap, or say an id twice.
    if (name in shape) shape[name] = ascending(shape[name]);
  }
  return shape;
}

// ---- Reading ---------------------------------------------------------------------------------------------------------------

/** Takes any CMP, where the library's model throws at 0 and 1. */
class AnyCmpModel extends TCModel {
  set cmpId(id) {
    this.cmpId_ = id;
  }
  get cmpId() {
    return this.cmpId_;
  }
}

/** The types of a string's segments: the first three bits of each, and 0 for the core, which begins with its version. */
function segmentsOf(text) {
  const bits = (segment) => Base64Url.decode(segment[0]).slice(0, BitLength.segmentType);
  return new Set(text.split(".").filter(Boolean).map((segment) => parseInt(bits(segment), 2)));
}

function demandCore(segments) {
  if (!segments.has(SEGMENT_ID[Segment.CORE])) throw new Error("no core segment");
}

function readTcf(text, anyCmp) {
  const model = TCString.decode(text, anyCmp ? new AnyCmpModel() : new TCModel());
  const segments = segmentsOf(text);
  demandCore(segments);
  if (model.version !== TCF_VERSION) throw new Error(`TCF version ${model.version}`);
  return { model, segments };
}

/** The optional segment of a US section: the flag by which the library tells that it is there, and its fields. */
function optionalSegment(id, fields) {
  if ("Gpc" in fields) return { flag: "GpcSegmentIncluded", names: ["GpcSegmentType", "Gpc"] };
  if (SENSITIVE_APART.has(id)) return { flag: "SensitiveDataConsentSegmentIncluded", names: ["SensitiveDataProcessing"] };
  return null;
}

function absentOfCanada(segments) {
  const ofPublisher = segments.has(SEGMENT_ID[Segment.PUBLISHER_TC]);
  const ofVendors = segments.has(SEGMENT_ID[Segment.VENDORS_DISCLOSED]);
  return [
    ...(ofPublisher ? [] : TCFCAV1_PUBLISHER_PURPOSES_SEGMENT_FIELD_NAMES),
    ...(ofVendors ? [] : TCFCAV1_DISCLOSED_VENDORS_SEGMENT_FIELD_NAMES),
  ];
}

function readSection(model, id, anyCmp) {
  const fields = model.getSection(Sections.SECTION_ID_NAME_MAP.get(id));
  // Encoding a section that nobody changed gives its text back.
  const text = model.encodeSectionById(id);
  if (id === TcfEuV2.ID) return { tcf: readTcf(text, anyCmp) };
  if (id === TcfCaV1.ID) {
    const segments = segmentsOf(text);
    demandCore(segments);
    return { fields, absent: absentOfCanada(segments) };
  }
  const optional = optionalSegment(id, fields);
  const isAbsent = optional && !model.getFieldValueBySectionId(id, optional.flag);
  return { fields, absent: isAbsent ? optional.names : [] };
}

function readGpp(text, anyCmp) {
  const model = new GppModel(text);
  return model.getSectionIds().map((id) => [id, readSection(model, id, anyCmp)]);
}

const gppShape = (sections) =>
  Object.fromEntries(sections.map(([id, section]) => [id, section.tcf ? tcfShape(section.tcf) : sectionShape(section)]));

/** A line of the answer, and why where the string is not valid. Only the reading may throw: what follows is our own. */
function answer(text, anyCmp) {
  const isGpp = text.startsWith("D");
  let read;
  try {
    read = isGpp ? readGpp(text, anyCmp) : readTcf(text, anyCmp);
  } catch (error) {
    return { line: { string: text, valid: false }, why: `${error.name}: ${error.message}` };
  }
  return { line: { string: text, valid: true, ...(isGpp ? { gpp: gppShape(read) } : { tcf: tcfShape(read) }) } };
}

// ---- Making ----------------------------------------------------------------------------------------------------------------

/** Chance that is the same for a seed: mulberry32, whose state is one number of 32 bits. */
function diceOf(seed) {
  let state = seed >>> 0;
  const unit = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (n) => Math.floor(unit() * n);
  const chance = (share) => unit() < share;
  const upTo = (n) => Array.from({ length: n }, (_, index) => index + 1);
  return {
    below,
    chance,
    pick: (list) => list[below(list.length)],
    someOf: (list, share) => list.filter(() => chance(share)),
    idsUpTo: (n, share) => upTo(n).filter(() => chance(share)),
    bits: (n) => upTo(n).map(() => chance(0.5)),
    letters: () => String.fromCharCode(65 + below(26), 65 + below(26)),
    // Between 2018 and 2038, in the tenths of a second that the strings hold.
    date: () => new Date(Date.UTC(2018, 0) + 100 * below(6_311_520_000)),
  };
}

/** None, few, most, or runs of ids, so that fields of bits as well as ranges are the shorter encoding. */
function vendorsOf(dice) {
  const idMax = 1 + dice.below(VENDOR_ID_MAX);
  const kinds = [
    () => [],
    () => ascending(Array.from({ length: 1 + dice.below(12) }, () => 1 + dice.below(idMax))),
    () => dice.idsUpTo(idMax, dice.pick([0.05, 0.3, 0.5, 0.8, 0.98])),
    () => runs(dice, idMax),
  ];
  return dice.pick(kinds)();
}

function runs(dice, idMax) {
  const ids = [];
  for (let next = 1 + dice.below(40); next <= idMax; next += 1 + dice.below(200)) {
    for (const last = next + dice.below(150); next <= last && next <= idMax; next += 1) ids.push(next);
  }
  return ids;
}

/** Pairs of a purpose and a type, each once, with vendors. */
function restrictionsOf(dice) {
  const pairs = Array.from({ length: 24 * 3 }, (_, index) => [1 + Math.floor(index / 3), index % 3]);
  const chosen = dice.chance(0.5) ? [] : dice.someOf(pairs, dice.pick([0.02, 0.1]));
  return chosen.map(([purpose, type]) => [purpose, type, vendorsOf(dice)]).filter(([, , vendors]) => vendors.length > 0);
}

function vectorOf(ids) {
  const vector = new Vector();
  vector.set(ids);
  return vector;
}

function restrictionVectorOf(restrictions) {
  const vector = new PurposeRestrictionVector();
  // The encoder lets a range run over ids that the vendor list lacks; with a list that has them all it does not.
  vector.gvl = { vendorIds: { has: () => true } };
  for (const [purpose, type, vendors] of restrictions) {
    for (const vendor of vendors) vector.add(vendor, new PurposeRestriction(purpose, type));
  }
  return vector;
}

function tcfModel(dice) {
  const numCustomPurposes = dice.pick([0, 0, 3, dice.below(64)]);
  return Object.assign(new TCModel(), {
    created: dice.date(),
    lastUpdated: dice.date(),
    cmpId: 2 + dice.below(4094),
    cmpVersion: dice.below(4096),
    consentScreen: dice.below(64),
    consentLanguage: dice.letters(),
    vendorListVersion: dice.below(4096),
    policyVersion: dice.below(64),
    isServiceSpecific: dice.chance(0.5),
    useNonStandardTexts: dice.chance(0.5),
    specialFeatureOptins: vectorOf(dice.idsUpTo(12, 0.5)),
    purposeConsents: vectorOf(dice.idsUpTo(24, 0.5)),
    purposeLegitimateInterests: vectorOf(dice.idsUpTo(24, 0.5)),
    purposeOneTreatment: dice.chance(0.5),
    publisherCountryCode: dice.letters(),
    vendorConsents: vectorOf(vendorsOf(dice)),
    vendorLegitimateInterests: vectorOf(vendorsOf(dice)),
    publisherRestrictions: restrictionVectorOf(restrictionsOf(dice)),
    vendorsDisclosed: vectorOf(vendorsOf(dice)),
    vendorsAllowed: vectorOf(vendorsOf(dice)),
    publisherConsents: vectorOf(dice.idsUpTo(24, 0.5)),
    publisherLegitimateInterests: vectorOf(dice.idsUpTo(24, 0.5)),
    numCustomPurposes,
    publisherCustomConsents: vectorOf(dice.idsUpTo(numCustomPurposes, 0.5)),
    publisherCustomLegitimateInterests: vectorOf(dice.idsUpTo(numCustomPurposes, 0.5)),
  });
}

/**
 * Segment by segment, since the library's encoder of whole strings chooses the segments itself, and first mends the model
 * after a vendor list: nothing would be random that the list does not know.
 */
function tcfString(dice) {
  const model = tcfModel(dice);
  const optional = dice.someOf([Segment.VENDORS_DISCLOSED, Segment.PUBLISHER_TC], 0.5);
  // Nothing of it is printed, but a decoder must get past it.
  if (dice.chance(0.2)) optional.splice(dice.below(optional.length + 1), 0, Segment.VENDORS_ALLOWED);
  return [Segment.CORE, ...optional].map((segment) => SegmentEncoder.encode(model, segment)).join(".");
}

const set = (section, fields) => Object.entries(fields).forEach(([name, value]) => section.setFieldValue(name, value));
const rangesOf = (restrictions) => restrictions.map(([purpose, type, vendors]) => new RangeEntry(purpose, type, vendors));

/** Both of TCF, by the GPP library: what the two have alike. */
function setTcfHead(dice, section) {
  set(section, {
    CmpId: 2 + dice.below(4094),
    CmpVersion: dice.below(4096),
    ConsentScreen: dice.below(64),
    ConsentLanguage: dice.letters(),
    VendorListVersion: dice.below(4096),
    UseNonStandardStacks: dice.chance(0.5),
  });
}

/** The library always writes the segments of disclosed vendors and of the publisher, and one date for both times. */
function europe(dice) {
  const section = new TcfEuV2();
  const nCustom = dice.pick([0, 0, 3, dice.below(64)]);
  setTcfHead(dice, section);
  set(section, {
    PolicyVersion: dice.below(64),
    SpecialFeatureOptins: dice.bits(12),
    PurposeConsents: dice.bits(24),
    PurposeLegitimateInterests: dice.bits(24),
    PurposeOneTreatment: dice.chance(0.5),
    PublisherCountryCode: dice.letters(),
    VendorConsents: vendorsOf(dice),
    VendorLegitimateInterests: vendorsOf(dice),
    PublisherRestrictions: rangesOf(restrictionsOf(dice)),
    VendorsDisclosed: vendorsOf(dice),
    PublisherConsents: dice.bits(24),
    PublisherLegitimateInterests: dice.bits(24),
    NumCustomPurposes: nCustom,
    PublisherCustomConsents: dice.bits(nCustom),
    PublisherCustomLegitimateInterests: dice.bits(nCustom),
    // Last, because any other field sets it to now.
    Created: dice.date(),
  });
  return section.encode();
}

function canada(dice) {
  const section = new TcfCaV1();
  const nCustom = dice.pick([0, 0, 3, dice.below(64)]);
  setTcfHead(dice, section);
  set(section, {
    TcfPolicyVersion: dice.below(64),
    SpecialFeatureExpressConsent: dice.bits(12),
    PurposesExpressConsent: dice.bits(24),
    PurposesImpliedConsent: dice.bits(24),
    VendorExpressConsent: vendorsOf(dice),
    VendorImpliedConsent: vendorsOf(dice),
    PubRestrictions: rangesOf(restrictionsOf(dice)),
    DisclosedVendors: vendorsOf(dice),
    PubPurposesExpressConsent: dice.bits(24),
    PubPurposesImpliedConsent: dice.bits(24),
    NumCustomPurposes: nCustom,
    CustomPurposesExpressConsent: dice.bits(nCustom),
    CustomPurposesImpliedConsent: dice.bits(nCustom),
    // Last, because any other field sets them to now.
    Created: dice.date(),
    LastUpdated: dice.date(),
  });
  const segments = section.encode().split(".");
  // The library always writes the publisher's segment, and reads strings without it.
  return dice.chance(0.3) ? segments.filter((_, index) => index !== 1).join(".") : segments.join(".");
}

function usPrivacy(dice) {
  const section = new UspV1();
  const letter = () => dice.pick(["-", "Y", "N"]);
  set(section, { Notice: letter(), OptOutSale: letter(), LspaCovered: letter() });
  return section.encode();
}

/** What the encoder lets stand in a field of two bits, or in a list of them. */
function usValue(dice, name, value) {
  if (Array.isArray(value)) return value.map(() => dice.below(3));
  if (typeof value === "boolean") return dice.chance(0.5);
  return name === "MspaCoveredTransaction" ? 1 + dice.below(2) : dice.below(3);
}

function usSection(dice, Section) {
  const section = new Section();
  const fields = section.toObj();
  if (Section === UsNat) section.setFieldValue("Version", 1 + dice.below(2));
  for (const [name, value] of Object.entries(fields)) {
    const isFixed = name.endsWith("Version") || name === "GpcSegmentType";
    if (!isFixed) section.setFieldValue(name, usValue(dice, name, value));
  }
  const optional = optionalSegment(Section.ID, fields);
  if (optional) section.setFieldValue(optional.flag, dice.chance(0.5));
  return section.encode();
}

/** The classes of all sections that the library knows. */
const SECTIONS = Object.values(gppLibrary).filter((one) => Sections.SECTION_ID_NAME_MAP.has(one?.ID) && "NAME" in one);

function sectionString(dice, Section) {
  switch (Section) {
    case TcfEuV2:
      return dice.chance(0.5) ? europe(dice) : tcfString(dice);
    case TcfCaV1:
      return canada(dice);
    case UspV1:
      return usPrivacy(dice);
    default:
      return usSection(dice, Section);
  }
}

/** Put together as the library does it; with its model, section 2 could not be one that its own encoder would not write. */
function gppString(dice) {
  const chosen = dice.someOf(SECTIONS, dice.pick([0.05, 0.2, 0.7])).sort((a, b) => a.ID - b.ID);
  const header = new HeaderV1();
  header.setFieldValue("SectionIds", chosen.map((Section) => Section.ID));
  return [header.encode(), ...chosen.map((Section) => sectionString(dice, Section))].join("~");
}

function randomStrings(n, seed) {
  const dice = diceOf(seed);
  return Array.from({ length: n }, (_, index) => (index % 2 === 0 ? tcfString(dice) : gppString(dice)));
}

// ---- The two commands ------------------------------------------------------------------------------------------------------

const linesOf = (file) => readFileSync(file, "utf8").split(/\r?\n/).filter((line) => line.trim() !== "");

/** Prints the answers, then how many strings are not valid for which reason; returns that number. */
function print(title, strings, anyCmp = false) {
  const reasons = new Map();
  let nInvalid = 0;
  for (const string of strings) {
    const { line, why } = answer(string, anyCmp);
    console.log(JSON.stringify(line));
    if (line.valid) continue;
    nInvalid += 1;
    // Without what the message quotes, or every string would have a reason of its own.
    const reason = why.replace(/'[^']*'|(?<=invalid value ).*(?= passed)|\b\d+/gs, "...");
    reasons.set(reason, (reasons.get(reason) ?? 0) + 1);
  }
  console.error(`${title}: ${strings.length - nInvalid} valid, ${nInvalid} not`);
  for (const [reason, n] of [...reasons].sort((a, b) => b[1] - a[1])) console.error(`  ${n} ${reason}`);
  return nInvalid;
}

function decode(words) {
  const files = words.filter((word) => word !== "--any-cmp");
  if (files.length === 0) return usage();
  for (const file of files) print(file, linesOf(file), words.includes("--any-cmp"));
  return 0;
}

function random([nText, seedText]) {
  const [n, seed] = [Number(nText), Number(seedText)];
  if (![n, seed].every((number) => Number.isInteger(number) && number >= 0)) return usage();
  return print(`random ${n} ${seed}`, randomStrings(n, seed)) > 0 ? 1 : 0;
}

function usage() {
  console.error("usage: node browser/consent.mjs decode [--any-cmp] FILE... | random N SEED");
  return 2;
}

const COMMANDS = { decode, random };
const [command, ...words] = process.argv.slice(2);
// Not `process.exit`: what is still on its way into a pipe would be lost.
process.exitCode = (Object.hasOwn(COMMANDS, command ?? "") ? COMMANDS[command] : usage)(words);
