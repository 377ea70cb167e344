//! How many messages came in each hour, what is usual, and when silence is not.
//!
//! Hours are counted back from now, so the newest is always a whole one. What is usual for an hour is told by the same
//! hour of the same weekday in the weeks before it: a quiet Sunday night is no news, a quiet Monday morning is.

/// The weeks that tell what is usual.
pub(crate) const WEEKS: usize = 8;
/// Hours of a week.
pub(crate) const WEEK: usize = 168;
/// Hours that are looked at: a week, each hour of it with those it is compared with.
pub(crate) const HOURS: usize = (WEEKS + 1) * WEEK;

/// Fewer weeks than this tell nothing.
const LEAST_WEEKS: usize = 3;
/// Messages that must be missing before a silence is one.
const MISSED: f64 = 10.0;
/// A silence so many times as long as the longest before it is one.
const LONGER: f64 = 1.5;
/// Hours with messages that a feed must have had before its longest silence says anything.
const ACTIVE_HOURS: usize = 5;

/// The messages of a feed in each hour; the first is the hour that ends now.
#[derive(Clone, Debug)]
pub(crate) struct Hours {
    messages: Vec<u32>,
    /// The oldest hour with a message. Of that hour and those before it nothing is known.
    first: usize,
}

/// What is usual for an hour.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usual {
    /// Messages, the mean of the weeks.
    pub mean: f64,
    /// Messages, the standard deviation of the weeks.
    pub deviation: f64,
    /// How many weeks this was learned from.
    pub weeks: usize,
}

impl Usual {
    /// How far a count is from what is usual, in deviations. Counts that are only chance vary by their root, and a feed
    /// that was regular so far may be off by one: a deviation is at least that.
    pub fn z(&self, messages: u64) -> f64 {
        (messages as f64 - self.mean) / self.deviation.max(self.mean.sqrt()).max(1.0)
    }
}

/// What is to be thought of a feed's silence since its last message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Silence {
    /// Messages that came in the same span of the weeks before, the mean; `None` if too little is known.
    pub missed: Option<f64>,
    /// Seconds of the longest silence between two messages that is known, to the hour; `None` if too little is known.
    pub longest_before: Option<f64>,
    /// Whether it is longer than is usual for the feed.
    pub is_unusual: bool,
}

impl Default for Hours {
    fn default() -> Self {
        Self { messages: vec![0; HOURS], first: 0 }
    }
}

impl Hours {
    /// Adds the messages of an hour; what is older than all hours is left out.
    pub(crate) fn add(&mut self, hour: usize, messages: u64) {
        if let Some(known) = self.messages.get_mut(hour)
            && messages > 0
        {
            *known = known.saturating_add(u32::try_from(messages).unwrap_or(u32::MAX));
            self.first = self.first.max(hour);
        }
    }

    /// The messages of an hour.
    pub(crate) fn messages(&self, hour: usize) -> u64 {
        self.messages.get(hour).copied().unwrap_or_default().into()
    }

    /// The hours of the last week that the feed has been there for, newest first.
    pub(crate) fn last_week(&self) -> std::ops::RangeInclusive<usize> {
        0..=self.first.min(WEEK - 1)
    }

    /// What is usual for an hour; `None` if too few weeks are known.
    pub(crate) fn usual(&self, hour: usize) -> Option<Usual> {
        let weeks: Vec<f64> = (1..=WEEKS)
            .map(|week| hour + week * WEEK)
            .filter(|same| *same < self.first)
            .map(|same| f64::from(self.messages[same]))
            .collect();
        if weeks.len() < LEAST_WEEKS {
            return None;
        }
        let mean = mean(&weeks);
        let squares: f64 = weeks.iter().map(|messages| (messages - mean).powi(2)).sum();
        Some(Usual { mean, deviation: (squares / (weeks.len() - 1) as f64).sqrt(), weeks: weeks.len() })
    }

    /// Looks at the time since the last message, in seconds.
    pub(crate) fn silence(&self, seconds: f64) -> Silence {
        let hours = seconds / 3_600.0;
        let missed = self.missed(hours);
        let longest = self.longest_silence();
        let is_missed = missed.is_some_and(|(mean, least)| mean >= MISSED && least > 0.0);
        let is_longer = longest.is_some_and(|longest| hours > LONGER * longest);
        Silence {
            missed: missed.map(|(mean, _)| mean),
            longest_before: longest.map(|longest| longest * 3_600.0),
            is_unusual: is_missed || is_longer,
        }
    }

    /// Messages that came in the same span of each week before: the mean, and the least of a week.
    ///
    /// The first hour of the span is left out: what comes in one go, and came a little early today, is not missing.
    fn missed(&self, hours: f64) -> Option<(f64, f64)> {
        // Whole hours since the last message, at most all that are looked at.
        let length = (hours.min(HOURS as f64) as usize).saturating_sub(1);
        let weeks: Vec<f64> = (1..=WEEKS)
            .map(|week| week * WEEK)
            // The span of that week was over before the silence began, and the feed was there by then.
            .filter(|start| hours < *start as f64 && start + length < self.first)
            .map(|start| {
                self.messages[start..start + length].iter().map(|messages| f64::from(*messages)).sum()
            })
            .collect();
        let least = weeks.iter().copied().fold(f64::INFINITY, f64::min);
        (weeks.len() >= LEAST_WEEKS).then(|| (mean(&weeks), least))
    }

    /// Hours of the longest silence between two messages, an hour more than those known to have none.
    fn longest_silence(&self) -> Option<f64> {
        let active: Vec<usize> = (0..HOURS).filter(|hour| self.messages[*hour] > 0).collect();
        let (newest, oldest) = (active.first()?, active.last()?);
        if active.len() < ACTIVE_HOURS || oldest - newest < WEEK {
            return None;
        }
        active.windows(2).map(|hours| (hours[1] - hours[0]) as f64).reduce(f64::max)
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A feed with so many messages in each hour that passes a test, since all hours that are looked at.
    fn feed(messages: impl Fn(usize) -> u64) -> Hours {
        let mut hours = Hours::default();
        (0..HOURS).for_each(|hour| hours.add(hour, messages(hour)));
        hours
    }

    #[test]
    fn an_hour_is_compared_with_the_same_hour_of_other_weeks() {
        // 100 in the hour that ends now, each week one more than the week before it; 5 in all others.
        let hours = feed(|hour| if hour % WEEK == 0 { 100 + (hour / WEEK) as u64 } else { 5 });
        // The oldest hour of all is only partly known, but it is not one of these.
        let usual = hours.usual(0).unwrap();
        assert_eq!((usual.mean, usual.weeks), (104.5, 8));
        assert!((usual.deviation - 6.0_f64.sqrt()).abs() < 1e-9, "{usual:?}");
        assert!((usual.z(usual.mean as u64) - -0.5 / 104.5_f64.sqrt()).abs() < 1e-9);
        assert!(usual.z(0) < -10.0 && usual.z(1_000) > 80.0);
        assert_eq!(hours.usual(1).unwrap().mean, 5.0);
        // So regular that by its own deviation anything else would be infinitely odd.
        assert_eq!(Usual { mean: 0.0, deviation: 0.0, weeks: 8 }.z(2), 2.0);
    }

    #[test]
    fn a_young_feed_has_nothing_usual() {
        let mut hours = Hours::default();
        (0..=3 * WEEK).for_each(|hour| hours.add(hour, 7));
        assert_eq!(hours.usual(0), None, "the third week has only begun");
        hours.add(3 * WEEK + 1, 7);
        assert_eq!(hours.usual(0).unwrap().weeks, 3);
        assert_eq!(hours.last_week(), 0..=WEEK - 1);
        let mut burst = Hours::default();
        burst.add(2, 1_000);
        assert_eq!(burst.last_week(), 0..=2);
        assert_eq!(burst.silence(2.5 * 3_600.0), Silence::default());
    }

    #[test]
    fn silence_is_measured_by_the_habits_of_the_feed() {
        // Twenty an hour at day, none at night; silent for ten hours, all of them day in one feed and night in the other.
        let by_day =
            |shift: usize| move |hour: usize| if hour >= 10 && (hour + shift) % 24 < 14 { 20 } else { 0 };
        let at_noon = feed(by_day(4)).silence(10.0 * 3_600.0);
        assert!(at_noon.is_unusual && at_noon.missed > Some(100.0), "{at_noon:?}");
        let in_the_morning = feed(by_day(14)).silence(10.0 * 3_600.0);
        assert!(!in_the_morning.is_unusual, "{in_the_morning:?}");
        assert_eq!(in_the_morning.missed, Some(0.0));
    }

    #[test]
    fn what_comes_once_a_day_is_missed_when_it_has_not_come() {
        // A thousand a day, at the same hour.
        let daily = |hour: usize| if hour % 24 == 20 { 1_000 } else { 0 };
        assert!(!feed(daily).silence(20.5 * 3_600.0).is_unusual);
        let missing = feed(|hour| if hour % 24 == 2 && hour > 2 { 1_000 } else { 0 }).silence(26.5 * 3_600.0);
        assert!(missing.is_unusual && missing.missed == Some(1_000.0), "{missing:?}");
        // A few minutes early: the hour in which it comes in other weeks lies behind the last message.
        let early = feed(|hour| if hour == 1 || (hour >= 24 && hour % 24 == 0) { 1_000 } else { 0 });
        assert!(!early.silence(1.02 * 3_600.0).is_unusual);
    }

    #[test]
    fn a_silence_longer_than_any_before_is_unusual_however_few_the_messages() {
        // One message in three days, at no regular time.
        let rare = |silent: usize| move |hour: usize| u64::from(hour >= silent && hour % 72 == silent % 72);
        let usual = feed(rare(100)).silence(100.0 * 3_600.0);
        assert!(!usual.is_unusual && usual.longest_before == Some(72.0 * 3_600.0), "{usual:?}");
        assert!(feed(rare(110)).silence(110.0 * 3_600.0).is_unusual);
    }
}
