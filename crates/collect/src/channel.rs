//! By which channel somebody arrived: Google Analytics' default channel group, from campaign, click and referrer.
//!
//! # Source
//! Google Analytics help, "Default channel group", the definitions for manual traffic, in their order. What is ours: the
//! networks' click ids say source and medium where the campaign does not; and a page that was reached from another one of
//! the same site has no channel, since nobody arrived there.

use crate::referrers::{Category, Referrers};

/// What is known of how a page was reached; texts as they were sent.
#[derive(Clone, Copy, Default)]
pub(crate) struct Visit<'a> {
    pub(crate) source: Option<&'a str>,
    pub(crate) medium: Option<&'a str>,
    pub(crate) campaign: Option<&'a str>,
    /// Source and medium of the network whose click id is there.
    pub(crate) click: Option<(&'static str, &'static str)>,
    /// The host of the page before.
    pub(crate) referrer: Option<&'a str>,
    /// The host of the page.
    pub(crate) page: Option<&'a str>,
}

/// The channel; `None` for what is no arrival, or when nothing is known of the page.
pub(crate) fn channel(visit: &Visit<'_>, referrers: &Referrers) -> Option<&'static str> {
    let small = |text: Option<&str>| text.map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
    let (mut source, mut medium) = (small(visit.source), small(visit.medium));
    let campaign = small(visit.campaign).unwrap_or_default();
    if let Some((of_click, by)) = visit.click {
        source.get_or_insert_with(|| of_click.to_owned());
        medium = medium.or_else(|| small(Some(by)));
    }
    let is_tagged = source.is_some() || medium.is_some() || !campaign.is_empty();
    let mut category = source.as_deref().and_then(|source| referrers.category_of_source(source));
    if !is_tagged {
        match visit.referrer {
            Some(referrer) if is_same_site(referrer, visit.page?) => return None,
            Some(referrer) => {
                category = referrers.category_of_host(referrer);
                source = Some(referrer.to_owned());
                medium = Some(if category == Some(Category::Search) { "organic" } else { "referral" }.to_owned());
            }
            None => return visit.page.map(|_| "Direct"),
        }
    }
    Some(group(&source.unwrap_or_default(), &medium.unwrap_or_default(), &campaign, category))
}

/// The group by its definitions, of which the first that holds counts; all texts in small letters.
fn group(source: &str, medium: &str, campaign: &str, category: Option<Category>) -> &'static str {
    let is = |wanted: Category| category == Some(wanted);
    let is_paid = medium.contains("cp") || matches!(medium, "ppc" | "retargeting") || medium.starts_with("paid");
    let is_shopping = is(Category::Shopping) || names_shop(campaign);
    let is_email = |text: &str| matches!(text, "email" | "e-mail" | "e_mail" | "e mail");
    let is_push = medium.ends_with("push") || medium.contains("mobile") || medium.contains("notification");
    match medium {
        _ if source == "(direct)" && matches!(medium, "" | "(none)" | "(not set)") => "Direct",
        _ if campaign.contains("cross-network") => "Cross-network",
        _ if is_paid && is_shopping => "Paid Shopping",
        _ if is_paid && is(Category::Search) => "Paid Search",
        _ if is_paid && is(Category::Social) => "Paid Social",
        _ if is_paid && is(Category::Video) => "Paid Video",
        "display" | "banner" | "expandable" | "interstitial" | "cpm" => "Display",
        _ if is_paid => "Paid Other",
        _ if is_shopping => "Organic Shopping",
        _ if is(Category::Social) => "Organic Social",
        "social" | "social-network" | "social-media" | "sm" | "social network" | "social media" => "Organic Social",
        _ if is(Category::Video) || medium.contains("video") => "Organic Video",
        _ if is(Category::Search) || medium == "organic" => "Organic Search",
        "referral" | "app" | "link" => "Referral",
        _ if is_email(source) || is_email(medium) => "Email",
        "affiliate" => "Affiliates",
        "audio" => "Audio",
        _ if source == "sms" || medium == "sms" => "SMS",
        _ if is_push || source == "firebase" => "Mobile Push Notifications",
        _ => "Unassigned",
    }
}

/// Whether a campaign's name speaks of a shop, and not only of a bishop: `shop` stands at the start or after an `e` or no
/// letter, or it is `shopping`.
fn names_shop(campaign: &str) -> bool {
    let is_start = |at: usize| match campaign[..at].chars().next_back() {
        Some(before) => before == 'e' || !before.is_ascii_lowercase(),
        None => true,
    };
    campaign.contains("shopping") || campaign.match_indices("shop").any(|(at, _)| is_start(at))
}

/// Whether two hosts are one site: the same, or one below the other.
fn is_same_site(a: &str, b: &str) -> bool {
    let is_below = |low: &str, high: &str| low.strip_suffix(high).is_some_and(|rest| rest.ends_with('.'));
    a == b || is_below(a, b) || is_below(b, a)
}
