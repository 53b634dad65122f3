import EventSourcing
import Testing

@Suite struct Times {
    @Test(arguments: [
        ("1970-01-01T00:00:00.000000Z", 0), ("1969-12-31T23:59:59.999999Z", -1),
        ("0001-01-01T00:00:00.000000Z", -62_135_596_800_000_000),
        ("0987-06-05T04:03:02.000010Z", -31_007_044_617_999_990),
        ("2000-02-29T12:34:56.789012Z", 951_827_696_789_012),
        ("2026-11-24T00:00:00.000000Z", 1_795_478_400_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ])
    func `Time is printed as RFC 3339 and parses its own text`(text: String, microseconds: Int64) {
        #expect(Timestamp(microseconds: microseconds).description == text)
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test func `Time with an offset, with a fraction or of a date alone is parsed`() {
        #expect(Timestamp("2026-01-31T12:00:00+02:00") == Timestamp("2026-01-31T10:00:00Z"))
        #expect(Timestamp("2026-01-31") == Timestamp("2026-01-31T00:00:00Z"))
        #expect(Timestamp("2026-01-31T00:00:00.1Z")?.microseconds == 1_769_817_600_100_000)
    }

    @Test func `Leap second is read as the next second`() {
        #expect(Timestamp("2016-12-31T23:59:60Z") == Timestamp("2017-01-01T00:00:00Z"))
        #expect(Timestamp("2016-12-31T23:59:60.5Z") == Timestamp("2017-01-01T00:00:00.5Z"))
        #expect(Timestamp("2017-01-01T05:29:60+05:30") == Timestamp("2017-01-01"))
        #expect(Timestamp("2016-12-31T18:59:60-05:00") == Timestamp("2017-01-01"))
        #expect(Timestamp("9999-12-31T23:59:60Z") == nil)
    }

    @Test(arguments: [
        "2016-12-31T23:59:61Z", "2016-12-31T23:58:60Z", "2016-12-31T12:00:60Z",
        "2016-12-31T23:59:60+01:00",
        "", "2026", "2026-13-01", "2026-02-29", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00",
        "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00Zx", "2026-1-31",
    ])
    func `Invalid time is rejected`(text: String) { #expect(Timestamp(text) == nil) }
}
