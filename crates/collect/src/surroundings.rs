//! What surrounds a message: the page, the campaign, the device and the request; fills declared fields that were not sent.
//!
//! One function makes all of it from the message and its sender. A request with a secret key comes from a server of ours, so
//! the request's own user agent and address say nothing about the person and are not used then; what the message says of
//! them in its context is. What follows from these (browser, channel, country) is looked up only for objects that declare it.

use crate::channel::{self, Visit};
use crate::json;
use crate::known::{Known, N_IN_QUERY, N_KNOWN, NAMES, Wanted};
use crate::message::Message;
use api::Call;
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Source and medium of a network's click id. Facebook puts its own on all links, so that it says nothing of money.
const CLICKS: [(Known, (&str, &str)); 9] = [
    (Known::Gclid, ("google", "cpc")),
    (Known::Wbraid, ("google", "cpc")),
    (Known::Gbraid, ("google", "cpc")),
    (Known::Dclid, ("google", "display")),
    (Known::Msclkid, ("bing", "cpc")),
    (Known::Ttclid, ("tiktok", "cpc")),
    (Known::LiFatId, ("linkedin", "cpc")),
    (Known::Twclid, ("twitter", "cpc")),
    (Known::Fbclid, ("facebook", "")),
];

/// What is known of one message.
pub(crate) struct Surroundings<'a> {
    values: [Option<Cow<'a, str>>; N_KNOWN],
}

impl<'a> Surroundings<'a> {
    /// Gathers what surrounds a message; of what is dear to find only what is wanted.
    pub(crate) fn of(message: &Message<'a>, wanted: Wanted) -> Surroundings<'a> {
        let mut found = Surroundings { values: [const { None }; N_KNOWN] };
        if let Some(context) = message.members.context {
            found.add_context(context);
        }
        found.add_page(message);
        found.add_request(message);
        found.add_members(message);
        if wanted.channel {
            found.add_channel(message);
        }
        if wanted.agent {
            found.add_agent(message);
        }
        if wanted.place {
            found.add_place(message);
        }
        // An address is dropped once its place is known.
        if !message.source.door.keeps_ip {
            found.values[Known::Ip as usize] = None;
        }
        found
    }

    /// Takes a value out; empty ones count as none.
    pub(crate) fn take(&mut self, known: Known) -> Option<Cow<'a, str>> {
        self.values[known as usize].take().filter(|value| !value.is_empty())
    }

    /// Keeps a value unless there is one.
    fn put(&mut self, known: Known, value: Option<Cow<'a, str>>) {
        let slot = &mut self.values[known as usize];
        if slot.is_none() {
            *slot = value;
        }
    }

    /// Looks at a value without taking it; empty ones count as none.
    fn look(&self, known: Known) -> Option<&str> {
        self.values[known as usize].as_deref().filter(|value| !value.is_empty())
    }

    fn put_json(&mut self, known: Known, value: &'a RawValue) {
        self.put(known, json::text_of(value));
    }

    fn add_context(&mut self, context: &'a RawValue) {
        json::members(context.get(), &mut |key, value| match key.as_ref() {
            "campaign" => self.add_campaign(value),
            "page" => self.add_context_page(value),
            "locale" => self.put_json(Known::Locale, value),
            "timezone" => self.put_json(Known::Timezone, value),
            "userAgent" => self.put_json(Known::UserAgent, value),
            "ip" => self.put_json(Known::Ip, value),
            "library" => self.put(Known::Library, json::member(value.get(), "name").and_then(json::text_of)),
            "app" => self.put(Known::AppVersion, json::member(value.get(), "version").and_then(json::text_of)),
            _ => {}
        });
    }

    fn add_campaign(&mut self, campaign: &'a RawValue) {
        json::members(campaign.get(), &mut |key, value| match key.as_ref() {
            "name" => self.put_json(Known::UtmCampaign, value),
            "source" => self.put_json(Known::UtmSource, value),
            "medium" => self.put_json(Known::UtmMedium, value),
            "term" => self.put_json(Known::UtmTerm, value),
            "content" => self.put_json(Known::UtmContent, value),
            _ => {}
        });
    }

    fn add_context_page(&mut self, page: &'a RawValue) {
        json::members(page.get(), &mut |key, value| match key.as_ref() {
            "url" => self.put_json(Known::PageUrl, value),
            "path" => self.put_json(Known::PagePath, value),
            "title" => self.put_json(Known::PageTitle, value),
            "referrer" => self.put_json(Known::PageReferrer, value),
            "search" => self.put_json(Known::PageSearch, value),
            _ => {}
        });
    }

    /// What the addresses of the page and of the one before it say.
    fn add_page(&mut self, message: &Message<'a>) {
        if self.values[Known::PageUrl as usize].is_none()
            && let Some(properties) = message.members.properties
        {
            self.put(Known::PageUrl, json::member(properties.get(), "url").and_then(json::text_of));
        }
        if let Some(url) = self.values[Known::PageUrl as usize].clone() {
            self.add_query(&url);
        }
        let referrer = self.values[Known::PageReferrer as usize].as_deref();
        let domain = referrer.and_then(domain_of).map(Cow::Owned);
        self.put(Known::ReferrerDomain, domain);
    }

    fn add_query(&mut self, url: &str) {
        let Some((_, query)) = url.split_once('?') else { return };
        let query = query.split('#').next().unwrap_or_default();
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            if let Some((_, known)) = NAMES[..N_IN_QUERY].iter().find(|(known, _)| *known == name) {
                self.put(*known, decoded(value).map(Cow::Owned));
            }
        }
    }

    fn add_request(&mut self, message: &Message<'a>) {
        if message.vouching.is_public() {
            self.put(Known::UserAgent, message.sender.user_agent.as_deref().map(Cow::Borrowed));
            // The request knows better than the body where it comes from.
            if let Some(address) = message.sender.address {
                self.values[Known::Ip as usize] = Some(Cow::Owned(address.to_string()));
            }
        }
    }

    fn add_channel(&mut self, message: &Message<'a>) {
        let page = self.look(Known::PageUrl).and_then(domain_of);
        let click = CLICKS.iter().find(|(known, _)| self.look(*known).is_some()).map(|(_, network)| *network);
        let visit = Visit {
            source: self.look(Known::UtmSource),
            medium: self.look(Known::UtmMedium),
            campaign: self.look(Known::UtmCampaign),
            click,
            referrer: self.look(Known::ReferrerDomain),
            page: page.as_deref(),
        };
        let referrers = &message.lookups.referrers;
        let channel = channel::channel(&visit, referrers);
        let name = visit.referrer.and_then(|host| referrers.name(host));
        self.put(Known::Channel, channel.map(Cow::Borrowed));
        self.put(Known::ReferrerSource, name.map(Cow::Borrowed));
    }

    fn add_agent(&mut self, message: &Message<'a>) {
        let Some(agent) = self.look(Known::UserAgent).and_then(|text| message.lookups.agents.agent(text)) else {
            return;
        };
        let owned = |text: &Option<String>| text.clone().map(Cow::Owned);
        self.put(Known::Browser, owned(&agent.browser));
        self.put(Known::BrowserVersion, owned(&agent.browser_version));
        self.put(Known::Os, owned(&agent.os));
        self.put(Known::OsVersion, owned(&agent.os_version));
        self.put(Known::Device, owned(&agent.device));
        self.put(Known::DeviceBrand, owned(&agent.device_brand));
        self.put(Known::DeviceModel, owned(&agent.device_model));
        self.put(Known::DeviceType, Some(Cow::Borrowed(agent.device_type)));
        self.put(Known::IsBot, Some(Cow::Borrowed(if agent.is_bot { "true" } else { "false" })));
    }

    fn add_place(&mut self, message: &Message<'a>) {
        let address = self.look(Known::Ip).and_then(|text| text.parse().ok());
        let place = address.and_then(|address| message.lookups.places.as_ref()?.place(address));
        if let Some(place) = place {
            self.put(Known::Country, Some(Cow::Owned(place.country)));
            self.put(Known::Region, place.region.map(Cow::Owned));
        }
    }

    /// What some calls say beside their properties.
    fn add_members(&mut self, message: &Message<'a>) {
        let members = &message.members;
        match message.call {
            Some(Call::Page | Call::Screen) => {
                self.put(Known::Name, members.name.and_then(json::text_of));
                self.put(Known::Category, members.category.and_then(json::text_of));
            }
            Some(Call::Group) => self.put(Known::GroupId, members.group_id.and_then(json::text_or_number)),
            _ => {}
        }
    }
}

/// The host in a URL, in small letters, without `www.`.
fn domain_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?;
    let host = if host.starts_with('[') { host } else { host.split(':').next()? };
    let host = host.to_lowercase();
    let domain = host.strip_prefix("www.").unwrap_or(&host);
    (!domain.is_empty()).then(|| domain.to_owned())
}

/// A value of a query as it was meant; `None` when it is no text.
fn decoded(value: &str) -> Option<String> {
    let bytes = value.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let escaped = bytes.get(at + 1..at + 3).filter(|_| *byte == b'%');
        let escaped = escaped.filter(|digits| digits.iter().all(u8::is_ascii_hexdigit));
        match escaped.and_then(|digits| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()) {
            Some(code) => {
                plain.push(code);
                at += 3;
            }
            None => {
                plain.push(if *byte == b'+' { b' ' } else { *byte });
                at += 1;
            }
        }
    }
    String::from_utf8(plain).ok()
}
