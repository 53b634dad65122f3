import Testing

@testable import EventStoreCommandLine

@Suite struct `Durations as options` {
    @Test(arguments: [
        ("30", 30), ("30s", 30), ("1.5m", 90), ("500ms", 0.5), ("2h", 7200), ("7d", 604_800),
        ("0", 0), (".5", 0.5),
    ])
    func `Duration is a number with an optional unit`(text: String, seconds: Double) {
        #expect(Seconds(text)?.value == seconds)
    }

    @Test(arguments: [
        "", "s", "-1", "1 s", "5w", "1e3", "1m30s", "nan", "inf", "1..2", "10000000000",
    ])
    func `Invalid duration is rejected`(text: String) {
        #expect(Seconds(text) == nil)
    }

    @Test(arguments: [
        (86_400, "1d"), (3600, "1h"), (90, "90s"), (300, "5m"), (0.5, "500ms"), (0, "0s"),
        (1.25, "1250ms"), (0.0005, "0.0005s"),
    ])
    func `Duration is printed in a form that it can be parsed from`(seconds: Double, text: String) {
        #expect(Seconds(seconds).description == text)
        #expect(Seconds(text)?.value == seconds)
    }

    @Test(arguments: [
        (0, "0ms"), (0.9994, "999ms"), (59.9, "59s"), (3599, "59m"), (86_399, "23h"),
        (200_000, "2d"),
    ])
    func `Rough duration has one unit and is rounded down`(seconds: Double, text: String) {
        #expect(Seconds(seconds).rough == text)
    }

    @Test func `Days and paces accept only their own units`() {
        #expect(Days("30")?.value == 30 && Days("0.5d")?.value == 0.5)
        #expect(Days("365d")?.description == "365d")
        #expect(Pace("500/s", unit: "/s")?.value == 500 && Pace("1.5", unit: "x")?.value == 1.5)
        for text in ["", "d", "-1", "1h", "1e3"] { #expect(Days(text) == nil, "\(text)") }
        for text in ["", "0", "x", "-1x", "5/m", "5x/s"] {
            #expect(Pace(text, unit: "x") == nil, "\(text)")
        }
    }
}
