import Observability
import Testing

struct `Prometheus exposition` {
    @Test func `Exposition lists each metric with its help, type and values`() {
        let text = Exposition.text([
            .counter("daybook_calls_total", "Calls.", 3),
            .gauge(
                "daybook_depth", "Depth.",
                each: [([.init("queue", "a")], 1.5), ([.init("queue", "b")], -2)]),
            .counter("daybook_nothing_total", "Not told: it has no figure.", each: []),
        ])
        #expect(
            text == """
                # HELP daybook_calls_total Calls.
                # TYPE daybook_calls_total counter
                daybook_calls_total 3
                # HELP daybook_depth Depth.
                # TYPE daybook_depth gauge
                daybook_depth{queue="a"} 1.5
                daybook_depth{queue="b"} -2

                """)
    }

    @Test func `Label values and help texts are escaped`() {
        let text = Exposition.text([
            .gauge("a", "one\\two\r\nthree \"four\"", each: [([.init("b", "\"\\\r\n\u{2028}")], 0)])
        ])
        #expect(
            text == """
                # HELP a one\\\\two\r\\nthree "four"
                # TYPE a gauge
                a{b="\\"\\\\\\\\r\\n\\\\u{2028}"} 0

                """)
    }

    @Test(
        arguments: [
            (0, "0"), (-1, "-1"), (9_007_199_254_740_992, "9007199254740992"), (0.1, "0.1"),
            (1e300, "1e+300"), (Double.infinity, "+Inf"), (-Double.infinity, "-Inf"),
            (Double.nan, "NaN"),
        ] as [(Double, String)])
    func `Numbers are written in the format that Prometheus reads`(value: Double, text: String) {
        #expect(Exposition.text([.gauge("a", "A.", value)]).hasSuffix("\na \(text)\n"))
    }
}
