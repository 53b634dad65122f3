import Testing

@testable import Observability

struct `Process counters` {
    private let counters = ProcessCounters()

    @Test func `Calls are counted by name and outcome`() {
        counters.noteCall("place", "refused", .zero)
        for _ in 1...2 { counters.noteCall("place", "appended", .zero) }
        counters.noteCall("find", "answered", .zero)
        let text = Exposition.text(counters.metrics())
        #expect(
            text.contains(
                """
                # HELP daybook_calls_total Commands and queries, by outcome.
                # TYPE daybook_calls_total counter
                daybook_calls_total{call="find",outcome="answered"} 1
                daybook_calls_total{call="place",outcome="appended"} 2
                daybook_calls_total{call="place",outcome="refused"} 1

                """))
    }

    @Test func `Durations of calls are exposed as a histogram in seconds`() {
        counters.noteCall("wait", "answered", .milliseconds(2))
        counters.noteCall("wait", "answered", .seconds(20))
        let text = Exposition.text(counters.metrics())
        #expect(text.contains("# TYPE daybook_call_seconds histogram\n"))
        for line in [
            #"_bucket{call="wait",le="0.001"} 0"#, #"_bucket{call="wait",le="0.0025"} 1"#,
            #"_bucket{call="wait",le="+Inf"} 2"#, #"_sum{call="wait"} 20.002"#,
            #"_count{call="wait"} 2"#,
        ] { #expect(text.contains("daybook_call_seconds\(line)\n")) }
    }

    @Test func `Denied handshakes are exposed before the first one`() {
        let name = "daybook_handshakes_refused_total"
        #expect(Exposition.text(counters.metrics()).contains("\n\(name) 0\n"))
        counters.noteDeniedHandshake()
        #expect(Exposition.text(counters.metrics()).contains("\n\(name) 1\n"))
    }

    @Test func `State of the keys is exposed once it is known`() {
        #expect(!Exposition.text(counters.metrics()).contains("daybook_key"))
        #expect(counters.setKeys(isKeyringValid: true, isKeyValid: true) == nil)
        let before = counters.setKeys(isKeyringValid: false, isKeyValid: true)
        #expect(before?.isKeyringValid == true && before?.isKeyValid == true)
        counters.noteRefusedConnection()
        let text = Exposition.text(counters.metrics())
        #expect(text.contains("\ndaybook_keyring_valid 0\n"))
        #expect(text.contains("\ndaybook_key_valid 1\n"))
        #expect(text.contains("\ndaybook_connections_refused_total 1\n"))
    }
}
