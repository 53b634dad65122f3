import CoreMetrics
import Observability
import Testing

struct `Metrics registry` {
    private let registry = Registry(help: ["points_total": "Points."])

    @Test func `Registry exposes the values of swift-metrics instruments`() {
        let points = Counter(label: "points", dimensions: [("kind", "bonus")], factory: registry)
        points.increment(by: 3)
        // A counter with the same name and dimensions shares its value.
        Counter(label: "points", dimensions: [("kind", "bonus")], factory: registry).increment()
        Counter(label: "points_total", dimensions: [("kind", "sale")], factory: registry)
            .increment(by: 2)
        let cards = Meter(label: "open.cards", factory: registry)
        cards.set(5)
        cards.decrement(by: 1.5)
        let sizes = Recorder(label: "9size", dimensions: [("the-unit", "bytes")], factory: registry)
        sizes.record(10)
        sizes.record(20)
        Gauge(label: "level", factory: registry).record(7)
        #expect(
            Exposition.text(registry.metrics()) == """
                # HELP _9size _9size
                # TYPE _9size summary
                _9size_sum{the_unit="bytes"} 30
                _9size_count{the_unit="bytes"} 2
                # HELP level level
                # TYPE level gauge
                level 7
                # HELP open_cards open_cards
                # TYPE open_cards gauge
                open_cards 3.5
                # HELP points_total Points.
                # TYPE points_total counter
                points_total{kind="bonus"} 4
                points_total{kind="sale"} 2

                """)
    }

    @Test func `Timer is exposed as a histogram in seconds`() {
        let timer = Timer(label: "wait", factory: registry)
        timer.recordMilliseconds(2)
        timer.recordSeconds(20)
        let text = Exposition.text(registry.metrics())
        #expect(text.contains("# TYPE wait_seconds histogram\n"))
        #expect(text.contains("wait_seconds_bucket{le=\"0.001\"} 0\n"))
        #expect(text.contains("wait_seconds_bucket{le=\"0.0025\"} 1\n"))
        #expect(text.contains("wait_seconds_bucket{le=\"+Inf\"} 2\nwait_seconds_sum 20.002\n"))
        #expect(text.contains("wait_seconds_count 2\n"))
    }

    @Test func `Registry keeps one kind per name and drops destroyed metrics`() {
        let counter = Counter(label: "x", factory: registry)
        counter.increment()
        Meter(label: "x_total", factory: registry).set(9)
        #expect(Exposition.text(registry.metrics()).contains("x_total 1\n"))
        counter.destroy()
        #expect(registry.metrics().isEmpty)
    }
}
