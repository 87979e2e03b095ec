//! A civil date and time in UTC and the part of `strftime` that chat templates use.
//!
//! Source: days to civil date after Howard Hinnant, "chrono-compatible low-level date algorithms".

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"];

/// A moment, taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct DateTime {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    second_of_day: i64,
}

impl DateTime {
    /// From seconds since 1970-01-01 00:00:00 UTC.
    pub(super) fn from_unix(seconds: i64) -> Self {
        let days = seconds.div_euclid(86_400);
        let shifted = days + 719_468;
        let era = shifted.div_euclid(146_097);
        let day_of_era = shifted.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = (month_from_march + 2) % 12 + 1;
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month: usize::try_from(month).expect("a month is between 1 and 12"),
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            weekday: usize::try_from(days.rem_euclid(7)).expect("a remainder of 7 is not negative"),
            second_of_day: seconds.rem_euclid(86_400),
        }
    }

    /// The moment in `format`; directives other than `%a %A %b %B %d %m %y %Y %H %M %S %%` stay as they are.
    pub(super) fn strftime(self, format: &str) -> String {
        let mut text = String::new();
        let mut chars = format.chars();
        while let Some(c) = chars.next() {
            match c {
                '%' => text.push_str(&self.directive(chars.next().unwrap_or('%'))),
                plain => text.push(plain),
            }
        }
        text
    }

    fn directive(self, letter: char) -> String {
        let (hour, minute, second) =
            (self.second_of_day / 3600, self.second_of_day / 60 % 60, self.second_of_day % 60);
        let (month, weekday) = (MONTHS[self.month - 1], WEEKDAYS[self.weekday]);
        match letter {
            'a' => weekday[..3].to_owned(),
            'A' => weekday.to_owned(),
            'b' => month[..3].to_owned(),
            'B' => month.to_owned(),
            'd' => format!("{:02}", self.day),
            'm' => format!("{:02}", self.month),
            'y' => format!("{:02}", self.year.rem_euclid(100)),
            'Y' => self.year.to_string(),
            'H' => format!("{hour:02}"),
            'M' => format!("{minute:02}"),
            'S' => format!("{second:02}"),
            '%' => "%".to_owned(),
            other => format!("%{other}"),
        }
    }
}
