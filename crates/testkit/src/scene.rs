//! What a message is about: one invented person, one visit, one sender, one moment. Messages of one feed share their people,
//! as those of a hospital do.

use crate::feed;
use crate::moment::Moment;
use crate::names;
use crate::{Random, Version};

/// The script names are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Script {
    /// ASCII letters.
    Plain,
    /// Latin letters with accents, all of them in ISO 8859-1.
    Accented,
    /// Simplified Chinese.
    SimplifiedChinese,
    /// Traditional Chinese.
    TraditionalChinese,
    /// Japanese.
    Japanese,
    /// Korean.
    Korean,
}

/// Everything a message needs to know; see [`Scene::invent`].
#[derive(Debug, Clone)]
pub struct Scene {
    pub(crate) version: Version,
    pub(crate) control_id: String,
    /// MSH-18 as declared, empty for none.
    pub(crate) charset: &'static str,
    pub(crate) now: Moment,
    pub(crate) person: Person,
    pub(crate) visit: Visit,
    pub(crate) with_site_segments: bool,
}

impl Scene {
    /// A scene that depends on its arguments alone. `number` counts the messages of the feed; after the first dozen about one in eight is about a
    /// person not met before.
    pub fn invent(version: Version, seed: u64, number: u64) -> Self {
        let mut random = Random::for_item(seed, number);
        let person_number = random.below(number / 8 + 12);
        Self {
            version,
            control_id: feed::control_id(seed, number),
            charset: "",
            now: Moment::START.plus_seconds(number as i64 * 2 + random.below(2) as i64),
            person: Person::invent(Script::Plain, seed, person_number),
            visit: Visit::invent(seed, person_number),
            with_site_segments: false,
        }
    }

    /// The same scene with the person's name in another script and the charset declared in MSH-18.
    #[must_use]
    pub fn in_script(mut self, script: Script, charset: &'static str) -> Self {
        let number = self.person.number;
        self.person = Person::invent(script, 0x5C1, number);
        self.charset = charset;
        self
    }

    /// The same scene in which the sender adds Z-segments of its own.
    #[must_use]
    pub fn with_site_segments(mut self) -> Self {
        self.with_site_segments = true;
        self
    }

    /// Somebody else of the same feed, for messages about several patients.
    pub(crate) fn somebody_else(&self, nth: u64) -> Person {
        Person::invent(Script::Plain, 0xE15E, self.person.number + nth)
    }
}

/// An invented person.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) number: u64,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
    pub(crate) middle: &'static str,
    pub(crate) sex: char,
    pub(crate) born: Moment,
    pub(crate) house: u64,
    pub(crate) street: &'static str,
    pub(crate) city: (&'static str, &'static str, &'static str),
}

impl Person {
    pub(crate) fn invent(script: Script, seed: u64, number: u64) -> Self {
        let mut random = Random::for_item(seed ^ 0x9E4, number);
        let sex = random.pick(&['F', 'M']);
        let plain_given = if sex == 'F' { &names::GIVEN_FEMALE } else { &names::GIVEN_MALE };
        let (families, given): (&[&str], &[&str]) = match script {
            Script::Plain => (&names::FAMILIES, plain_given),
            Script::Accented => {
                (&["MÜLLERAU", "GÖRANSÅS", "PEÑALVA", "LEFÈVRIN"], &["RENÉE", "JÖRG", "ZOË", "FRANÇOIS"])
            }
            Script::TraditionalChinese => (&["歐陽", "陳", "林"], &["明湖", "春山", "靜"]),
            Script::SimplifiedChinese => (&["欧阳", "司徒", "王", "李"], &["小河", "明湖", "春山", "安"]),
            Script::Japanese => (&["湖山", "川原田", "森下"], &["花子", "太郎", "真理"]),
            Script::Korean => (&["남궁", "김", "박"], &["하늘", "바다", "미르"]),
        };
        Self {
            number,
            family: random.pick(families),
            given: random.pick(given),
            middle: random.pick(plain_given),
            sex,
            born: Moment::START.plus_days(-(random.between(1, 34_000) as i64)),
            house: random.between(1, 999),
            street: random.pick(&names::STREETS),
            city: random.pick(&names::CITIES),
        }
    }

    /// The medical record number.
    pub(crate) fn record_number(&self) -> String {
        format!("9{:07}", self.number + 1)
    }

    /// A number in the range kept for fiction, by its last four digits.
    pub(crate) fn phone_line(&self) -> u64 {
        100 + self.number % 100
    }
}

/// An invented stay or appointment.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) number: String,
    pub(crate) class: char,
    pub(crate) ward: &'static str,
    pub(crate) room: u64,
    pub(crate) service: &'static str,
    pub(crate) began: Moment,
    pub(crate) attending: Doctor,
    pub(crate) referring: Doctor,
}

impl Visit {
    fn invent(seed: u64, person_number: u64) -> Self {
        let mut random = Random::for_item(seed ^ 0x71517, person_number);
        Self {
            number: format!("V{:08}", person_number * 3 + 1),
            class: random.weighted(&[('O', 60), ('I', 25), ('E', 15)]),
            ward: random.pick(&names::WARDS),
            room: random.between(101, 420),
            service: random.pick(&names::SERVICES),
            began: Moment::START.plus_seconds(-(random.below(400_000) as i64)),
            attending: Doctor::invent(&mut random),
            referring: Doctor::invent(&mut random),
        }
    }
}

/// An invented doctor.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Doctor {
    pub(crate) number: u64,
    pub(crate) family: &'static str,
    pub(crate) given: &'static str,
}

impl Doctor {
    pub(crate) fn invent(random: &mut Random) -> Self {
        let number = random.below(120);
        let mut own = Random::for_item(0xD0C, number);
        Self {
            number: 70_000 + number,
            family: own.pick(&names::FAMILIES),
            given: own.pick(&names::GIVEN_FEMALE),
        }
    }
}
