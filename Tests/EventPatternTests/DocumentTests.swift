import EventPattern
import Foundation
import Testing

/// The examples in docs/event-patterns.md. A block of kind `pattern` has a pattern in its first
/// line and an event after `matches` or `not` in each other line. A block of kind `refused` has a
/// text and its error.
private struct Document {
    struct Block {
        var kind: Substring
        var lines: [String]
    }

    var blocks: [Block] = []

    init() throws {
        // Fences separate blocks from prose, so every second part is a block.
        let parts = try Self.text().split(separator: "```", omittingEmptySubsequences: false)
        for index in stride(from: 1, to: parts.count, by: 2) {
            let lines = parts[index].split(separator: "\n")
            blocks.append(Block(kind: lines[0], lines: lines.dropFirst().map(String.init)))
        }
    }

    static func text() throws -> String {
        let file = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../docs/event-patterns.md")
        return try String(contentsOf: file, encoding: .utf8)
    }
}

extension Sample {
    /// The event of an example, or nil if the example has a member that `Sample` cannot set.
    fileprivate init?(_ event: Tree) {
        for member in event.members {
            switch (member.name, member.value) {
            case ("stream", .string(let text)): stream = text
            case ("detail-type", .string(let text)): type = text
            case ("replay-name", .string(let text)): replayName = text
            case ("tags", .array(let items)):
                tags = items.compactMap { if case .string(let tag) = $0 { tag } else { nil } }
            case ("metadata", let json): metadata = json.text
            case ("detail", let json): data = json.text
            default: return nil
            }
        }
    }
}

@Suite struct `Event pattern documentation` {
    @Test func `Documented examples match events as the document says`() throws {
        var counts = (matches: 0, not: 0)
        for block in try Document().blocks where block.kind == "pattern" {
            let pattern = try EventPattern(block.lines[0])
            let reference = ReferencePattern(block.lines[0])
            var matcher = PatternMatcher<Int>()
            matcher.add(1, pattern)
            for line in block.lines.dropFirst() {
                let isMatch = line.hasPrefix("matches ")
                try #require(isMatch || line.hasPrefix("not     "), "\(line)")
                let sample = try #require(Sample(Tree(String(line.dropFirst(8)))), "\(line)")
                let event = try sample.event()
                let context: Comment = "\(block.lines[0]) on \(line)"
                #expect(
                    pattern.matches(event, replayName: sample.replayName) == isMatch, context)
                #expect(reference.matches(sample.tree) == isMatch, context)
                #expect(
                    matcher.matches(event, replayName: sample.replayName).isEmpty != isMatch,
                    context)
                if isMatch { counts.matches += 1 } else { counts.not += 1 }
            }
        }
        #expect(counts.matches > 50 && counts.not > 50)
    }

    @Test func `Documented errors are the errors that invalid patterns get`() throws {
        let blocks = try Document().blocks.filter { $0.kind == "refused" }
        #expect(blocks.count > 10)
        for block in blocks {
            let error = #expect(throws: EventPatternError.self, "\(block.lines[0])") {
                try EventPattern(block.lines[0])
            }
            #expect(error?.description == "event pattern, " + block.lines[1])
        }
    }

    @Test func `Document lists every limit of event patterns`() throws {
        let text = try Document.text()
        for limit in [
            PatternLimits.textBytes, PatternLimits.depth, PatternLimits.alternatives,
            PatternLimits.fields, PatternLimits.stars, PatternLimits.eventDepth,
            PatternLimits.arraySteps,
        ] {
            #expect(
                text.contains("| \(limit.formatted(.number.locale(Locale(identifier: "en")))) |"))
        }
    }
}
