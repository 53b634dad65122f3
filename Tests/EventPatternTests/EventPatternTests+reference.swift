import EventPattern
import EventSourcing
import TestSupport
import Testing

@Suite(.mayBlock) struct `Random patterns and events` {
    @Test(arguments: 0..<24 as Range<UInt64>)
    func `Patterns match as the reference does, alone and in a matcher`(seed: UInt64) throws {
        var generator = Generator(random: SplitMix(state: seed))
        let texts = (0..<50).map { _ in generator.pattern() }
        let patterns = try texts.map { try EventPattern($0) }
        let references = texts.map(ReferencePattern.init)
        var matcher = PatternMatcher<Int>()
        for (id, pattern) in patterns.enumerated() { matcher.add(id, pattern) }
        var remaining = Set(patterns.indices)
        var matches = 0
        for round in 0..<60 {
            if round >= 30, let id = remaining.sorted().randomElement(using: &generator.random) {
                remaining.remove(id)
                matcher.remove(id)
            }
            let sample = generator.event()
            let event = try sample.event()
            let tree = sample.tree
            let expected = references.indices.filter { references[$0].matches(tree) }
            for id in patterns.indices {
                let isMatch = patterns[id].matches(event, replayName: sample.replayName)
                #expect(isMatch == expected.contains(id), "\(texts[id]) on \(tree.text)")
                #expect(!isMatch || patterns[id].query.matches(event), "\(texts[id])")
            }
            let found = matcher.matches(event, replayName: sample.replayName)
            #expect(found == expected.filter(remaining.contains), "\(tree.text)")
            matches += expected.count
        }
        // Of 3,000 pairs. With fewer matches or mismatches the test would show little.
        #expect((40...2_960).contains(matches))
    }
}
