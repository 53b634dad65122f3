import EventPattern
import Testing

@Suite struct `Patterns on arrays` {
    @Test func `Pattern matches an array of 20,000 objects`() throws {
        let pattern = try EventPattern(#"{"detail": {"x": {"a": [1], "b": [1]}}}"#)
        let items = (0..<20_000).map { $0 < 10_000 ? #"{"a":1}"# : #"{"b":1}"# }
        let none = items.joined(separator: ",")
        #expect(try !Sample.x("[\(none)]").isMatched(by: pattern))
        #expect(try Sample.x(#"[\#(none),{"a":1,"b":1}]"#).isMatched(by: pattern))
    }

    @Test func `Pattern on 21 arrays does not try every combination of elements`() throws {
        let fields = (0..<20).map { #""a\#($0)": {"x": [1]}"# }.joined(separator: ",")
        let pattern = try EventPattern(
            #"{"detail": {\#(fields), "z": {"x": [1], "y": [1]}}}"#)
        let items = Array(repeating: #"{"x":1}"#, count: 100).joined(separator: ",")
        let arrays = (0..<20).map { #""a\#($0)": [\#(items)]"# }.joined(separator: ",")
        let sample = Sample(data: #"{\#(arrays), "z": [{"x":1},{"y":1}]}"#)
        #expect(try !sample.isMatched(by: pattern))
    }
}
