//! The names of declared fields that are filled when the sender does not: what each of them is.

use spec::{ObjectKind, ValueType};

/// Something that can be known without being sent as a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    UtmSource,
    UtmMedium,
    UtmCampaign,
    UtmTerm,
    UtmContent,
    Gclid,
    Fbclid,
    Msclkid,
    Ttclid,
    Dclid,
    LiFatId,
    Twclid,
    Wbraid,
    Gbraid,
    PageUrl,
    PagePath,
    PageTitle,
    PageReferrer,
    PageSearch,
    ReferrerDomain,
    ReferrerSource,
    Channel,
    Locale,
    Timezone,
    Library,
    AppVersion,
    UserAgent,
    Browser,
    BrowserVersion,
    Os,
    OsVersion,
    Device,
    DeviceBrand,
    DeviceModel,
    DeviceType,
    IsBot,
    Ip,
    Country,
    Region,
    Name,
    Category,
    GroupId,
}

/// How many there are.
pub(crate) const N_KNOWN: usize = 42;
/// The names of declared fields that they fill.
pub(crate) const NAMES: [(&str, Known); N_KNOWN] = [
    ("utm_source", Known::UtmSource),
    ("utm_medium", Known::UtmMedium),
    ("utm_campaign", Known::UtmCampaign),
    ("utm_term", Known::UtmTerm),
    ("utm_content", Known::UtmContent),
    ("gclid", Known::Gclid),
    ("fbclid", Known::Fbclid),
    ("msclkid", Known::Msclkid),
    ("ttclid", Known::Ttclid),
    ("dclid", Known::Dclid),
    ("li_fat_id", Known::LiFatId),
    ("twclid", Known::Twclid),
    ("wbraid", Known::Wbraid),
    ("gbraid", Known::Gbraid),
    ("page_url", Known::PageUrl),
    ("page_path", Known::PagePath),
    ("page_title", Known::PageTitle),
    ("page_referrer", Known::PageReferrer),
    ("page_search", Known::PageSearch),
    ("referrer_domain", Known::ReferrerDomain),
    ("referrer_source", Known::ReferrerSource),
    ("channel", Known::Channel),
    ("locale", Known::Locale),
    ("timezone", Known::Timezone),
    ("library", Known::Library),
    ("app_version", Known::AppVersion),
    ("user_agent", Known::UserAgent),
    ("browser", Known::Browser),
    ("browser_version", Known::BrowserVersion),
    ("os", Known::Os),
    ("os_version", Known::OsVersion),
    ("device", Known::Device),
    ("device_brand", Known::DeviceBrand),
    ("device_model", Known::DeviceModel),
    ("device_type", Known::DeviceType),
    ("is_bot", Known::IsBot),
    ("ip", Known::Ip),
    ("country", Known::Country),
    ("region", Known::Region),
    ("name", Known::Name),
    ("category", Known::Category),
    ("group_id", Known::GroupId),
];
/// How many of the names stand in the query of a page's address: campaigns and clicks.
pub(crate) const N_IN_QUERY: usize = 14;

/// What has to be looked up for an object; it is dear, and not done for nobody.
#[derive(Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// Whether any field can be filled at all.
    pub(crate) anything: bool,
    pub(crate) agent: bool,
    pub(crate) channel: bool,
    pub(crate) place: bool,
}

impl Known {
    /// What fills a field of this name and type.
    ///
    /// The place of an address never fills a trait: traits decide the law, and an address is no promise of where somebody
    /// lives.
    pub(crate) fn of_field(name: &str, value_type: ValueType, kind: ObjectKind) -> Option<Known> {
        let (_, known) = *NAMES.iter().find(|(known, _)| *known == name)?;
        let fits = value_type == ValueType::Text || (known == Known::IsBot && value_type == ValueType::Boolean);
        let is_place = matches!(known, Known::Country | Known::Region);
        (fits && !(is_place && kind == ObjectKind::Traits)).then_some(known)
    }
}

impl Wanted {
    /// Wants what fills a field.
    pub(crate) fn add(&mut self, known: Known) {
        self.anything = true;
        match known {
            Known::Browser
            | Known::BrowserVersion
            | Known::Os
            | Known::OsVersion
            | Known::Device
            | Known::DeviceBrand
            | Known::DeviceModel
            | Known::DeviceType
            | Known::IsBot => self.agent = true,
            Known::Channel | Known::ReferrerSource => self.channel = true,
            Known::Country | Known::Region => self.place = true,
            _ => {}
        }
    }
}
