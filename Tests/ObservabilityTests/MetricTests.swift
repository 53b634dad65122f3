import Observability
import Testing

@Suite struct Metrics {
    @Test func `Histogram bucket counts the values up to its bound`() {
        var histogram = Histogram()
        for duration in [Duration.zero, .milliseconds(1), .microseconds(1001), .seconds(60)] {
            histogram.observe(duration)
        }
        let lines = Exposition.text([
            .histogram("s", "Seconds.", each: [([.init("call", "x")], histogram)])
        ]).split(separator: "\n").map(String.init)
        #expect(lines.count == 2 + 17 + 2)
        for line in [
            "# TYPE s histogram", #"s_bucket{call="x",le="0.0001"} 1"#,
            #"s_bucket{call="x",le="0.001"} 2"#, #"s_bucket{call="x",le="0.0025"} 3"#,
            #"s_bucket{call="x",le="10"} 3"#, #"s_bucket{call="x",le="+Inf"} 4"#,
            #"s_sum{call="x"} 60.002001"#, #"s_count{call="x"} 4"#,
        ] { #expect(lines.contains(line)) }
        #expect(histogram.count == 4)
    }
}
