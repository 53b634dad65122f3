import EventPattern
import TestSupport
import Testing

@Suite(.mayBlock) struct `Pattern matcher` {
    private func pattern(_ x: String) throws -> EventPattern {
        try EventPattern(#"{"detail": {"x": [\#(x)]}}"#)
    }

    @Test func `Matches come in the order of adding, and a replaced pattern moves last`() throws {
        var matcher = PatternMatcher<String>()
        #expect(try Sample.x("1").matched(by: matcher) == [])
        for id in ["c", "a", "b"] { matcher.add(id, try pattern("1")) }
        #expect(try Sample.x("1").matched(by: matcher) == ["c", "a", "b"])
        matcher.add("c", try pattern("1, 2"))
        #expect(try Sample.x("1").matched(by: matcher) == ["a", "b", "c"])
        #expect(try Sample.x("2").matched(by: matcher) == ["c"])
        matcher.remove("a")
        matcher.remove("a")
        #expect(matcher.count == 2)
        #expect(try Sample.x("1").matched(by: matcher) == ["b", "c"])
    }

    @Test func `Change of a matcher does not affect its copies`() throws {
        var matcher = PatternMatcher<Int>()
        matcher.add(1, try pattern("1"))
        let copy = matcher
        matcher.remove(1)
        #expect(try Sample.x("1").matched(by: copy) == [1])
        #expect(try Sample.x("1").matched(by: matcher) == [])
    }

    /// The index folds the case of strings. This test finds errors in that folding.
    @Test func `Matcher finds every Unicode character in each of its cases`() throws {
        let scalars = (0...0x1FFFF as ClosedRange<UInt32>).compactMap(Unicode.Scalar.init).filter {
            let text = String($0)
            return $0.properties.lowercaseMapping != text || $0.properties.uppercaseMapping != text
        }
        #expect(scalars.count > 2_500)
        // The ids are not strings, because some of the characters are canonically equivalent.
        var matcher = PatternMatcher<[UInt32]>()
        for scalar in scalars {
            for (kind, (name, before, after)) in [("prefix", "", "é"), ("suffix", "é", "")]
                .enumerated()
            {
                let text = before + String(scalar) + after
                matcher.add(
                    [scalar.value, UInt32(kind)],
                    try EventPattern(
                        #"{"detail": {"x": [{"\#(name)": {"equals-ignore-case": "\#(text)"}}]}}"#))
            }
            matcher.add([scalar.value], try pattern(#"{"equals-ignore-case": "\#(scalar)"}"#))
        }
        for scalar in scalars {
            let properties = scalar.properties
            for variant in [
                String(scalar), properties.lowercaseMapping, properties.uppercaseMapping,
            ] {
                let whole = try Sample.x("\"\(variant)\"").matched(by: matcher)
                #expect(whole.contains([scalar.value]))
                let long = try Sample.x("\"\(variant)É-É\(variant)\"").matched(by: matcher)
                #expect(long.contains([scalar.value, 0]) && long.contains([scalar.value, 1]))
                #expect(!long.contains([scalar.value]))
            }
        }
    }
}
