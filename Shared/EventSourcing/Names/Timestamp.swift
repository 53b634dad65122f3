/// A point in time in UTC: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
public struct Timestamp: Hashable, Sendable, Comparable {
    /// The microseconds since 1970-01-01T00:00:00Z.
    public let microseconds: Int64

    /// Creates the time of these microseconds.
    public init(microseconds: Int64) { self.microseconds = microseconds }

    /// The start of year 0001, the earliest time that RFC 3339 can express.
    public static let earliest = Timestamp(microseconds: -62_135_596_800_000_000)
    /// The end of year 9999, the latest time that RFC 3339 can express.
    public static let latest = Timestamp(microseconds: 253_402_300_799_999_999)

    /// Whether the time is in the years 0001 to 9999.
    ///
    /// Other times can be computed, but no command, event or option holds them: encoders and
    /// readers reject them.
    public var isInRange: Bool { self >= Self.earliest && self <= Self.latest }

    /// Returns whether `a` is before `b`.
    public static func < (a: Timestamp, b: Timestamp) -> Bool { a.microseconds < b.microseconds }

    /// Adds a duration, in whole microseconds. A sum out of range becomes the nearest time.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        Timestamp(
            microseconds: Int64(
                clamping: Int128(time.microseconds) + duration.attoseconds / 1_000_000_000_000))
    }

    /// Returns the duration from `earlier` to `later`.
    public static func - (later: Timestamp, earlier: Timestamp) -> Duration {
        let microseconds = Int128(later.microseconds) - Int128(earlier.microseconds)
        return Duration(attoseconds: microseconds * 1_000_000_000_000)
    }
}

extension Timestamp: LosslessStringConvertible {
    /// The time in RFC 3339, in UTC with six decimals: `2026-01-31T12:00:00.000000Z`.
    public var description: String {
        let day = microseconds.floored(by: 86_400_000_000)
        let (year, month, date) = Self.civil(fromDay: day.quotient)
        let second = day.remainder / 1_000_000
        var text: [UInt8] = []
        text.reserveCapacity(27)
        // Each number, its width and the mark after it.
        for (value, width, mark): (Int64, Int, Unicode.Scalar) in [
            (year, 4, "-"), (month, 2, "-"), (date, 2, "T"),
            (second / 3600, 2, ":"), (second / 60 % 60, 2, ":"), (second % 60, 2, "."),
            (day.remainder % 1_000_000, 6, "Z"),
        ] {
            Self.append(value, width, to: &text)
            text.append(UInt8(ascii: mark))
        }
        return String(decoding: text, as: UTF8.self)
    }

    /// Parses RFC 3339, or returns nil.
    ///
    /// The text is a date (midnight UTC), or a date and time with an optional fraction and a zone,
    /// `Z` or `±hh:mm`. Digits beyond microseconds are dropped. A leap second, `23:59:60` in UTC,
    /// is read as the next second. In UTC the time must be in the years 0001 to 9999.
    public init?(_ text: String) {
        var scanner = Scanner(rest: Substring(text).utf8)
        guard let year = scanner.number(digits: 4), scanner.take("-"),
            let month = scanner.number(digits: 2), (1...12).contains(month), scanner.take("-"),
            let date = scanner.number(digits: 2), date >= 1,
            date <= Self.days(inMonth: month, of: year)
        else { return nil }
        var microseconds = Self.day(year: year, month: month, date: date) * 86_400_000_000
        if !scanner.rest.isEmpty {
            guard scanner.take("T") || scanner.take("t") || scanner.take(" "),
                let hour = scanner.number(digits: 2), hour < 24, scanner.take(":"),
                let minute = scanner.number(digits: 2), minute < 60, scanner.take(":"),
                let second = scanner.number(digits: 2), second <= 60,
                let fraction = scanner.take(".") ? scanner.fraction() : 0,
                let offset = scanner.zone(), scanner.rest.isEmpty
            else { return nil }
            let minutes = hour * 60 + minute - offset
            // A leap second is the last of a day in UTC.
            guard second < 60 || minutes.floored(by: 1440).remainder == 1439 else { return nil }
            let seconds = minutes * 60 + second
            microseconds += seconds * 1_000_000 + fraction
        }
        self.init(microseconds: microseconds)
        guard isInRange else { return nil }
    }

    /// Appends the digits of a number, and zeros before it if it has fewer than `width`.
    private static func append(_ value: Int64, _ width: Int, to text: inout [UInt8]) {
        let digits = String(value).utf8
        for _ in digits.count..<max(width, digits.count) { text.append(UInt8(ascii: "0")) }
        text += digits
    }

    /// Returns the proleptic Gregorian date of a day number (Howard Hinnant, "chrono-Compatible
    /// Low-Level Date Algorithms", civil_from_days).
    static func civil(fromDay day: Int64) -> (year: Int64, month: Int64, date: Int64) {
        let (era, dayOfEra) = (day + 719_468).floored(by: 146_097)
        let yearOfEra =
            (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shifted = (5 * dayOfYear + 2) / 153
        let month = shifted < 10 ? shifted + 3 : shifted - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month,
            dayOfYear - (153 * shifted + 2) / 5 + 1
        )
    }

    /// Returns the day number of a date (days_from_civil of the same source).
    static func day(year: Int64, month: Int64, date: Int64) -> Int64 {
        let (era, yearOfEra) = (month <= 2 ? year - 1 : year).floored(by: 400)
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + date - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    private static func days(inMonth month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 4, 6, 9, 11: 30
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        default: 31
        }
    }

    private struct Scanner {
        var rest: Substring.UTF8View

        mutating func take(_ character: Unicode.Scalar) -> Bool {
            guard rest.first == UInt8(ascii: character) else { return false }
            rest.removeFirst()
            return true
        }

        mutating func number(digits: Int) -> Int64? {
            var value: Int64 = 0
            for _ in 0..<digits {
                guard let digit = digit() else { return nil }
                value = value * 10 + digit
            }
            return value
        }

        mutating func fraction() -> Int64? {
            guard var value = digit() else { return nil }
            var scale: Int64 = 100_000
            value *= scale
            while let digit = digit() {
                scale /= 10
                value += digit * scale
            }
            return value
        }

        /// Reads a zone, and returns its minutes east of UTC.
        mutating func zone() -> Int64? {
            if take("Z") || take("z") { return 0 }
            let sign: Int64
            if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
            guard let hours = number(digits: 2), hours < 24, take(":"),
                let minutes = number(digits: 2), minutes < 60
            else { return nil }
            return sign * (hours * 60 + minutes)
        }

        private mutating func digit() -> Int64? {
            guard let byte = rest.first, (48...57).contains(byte) else { return nil }
            rest.removeFirst()
            return Int64(byte - 48)
        }
    }
}

extension Timestamp: Codable {
    /// Reads the time from RFC 3339.
    ///
    /// - Throws: `DecodingError` for other text.
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(Timestamp.init, "an RFC 3339 time in the years 0001 to 9999")
    }

    /// Writes the time as RFC 3339.
    ///
    /// - Throws: `EncodingError` if it is out of range, because no reader would accept it.
    public func encode(to encoder: any Encoder) throws {
        guard isInRange else {
            throw EncodingError.invalidValue(
                self,
                .init(
                    codingPath: encoder.codingPath,
                    debugDescription: "\(self) is not in the years 0001 to 9999"))
        }
        try description.encode(to: encoder)
    }
}

extension Int64 {
    /// Divides and rounds down, so that the remainder is never negative.
    fileprivate func floored(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let (quotient, remainder) = quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}
