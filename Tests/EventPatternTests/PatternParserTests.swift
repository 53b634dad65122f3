import EventPattern
import Testing

private func x(_ list: String) -> String { #"{"detail": {"x": \#(list)}}"# }

@Suite struct `Invalid event patterns` {
    @Test(arguments: [
        "", "   ", "[]", "null", "\"x\"", "{", "{}", #"{"a"}"#, #"{"a": }"#, #"{"a": ["x"]"#,
        #"{"a": ["x"]} x"#, #"{"a": ["x"],}"#, #"{a: ["x"]}"#, #"{"a": {}}"#, #"{"a": "x"}"#,
        #"{"a": 1}"#, #"{"a": null}"#, #"{"a": [{}]}"#, x("[]"), x("[[1]]"), x("[1 2]"), x("[01]"),
        x("[1.]"), x("[+1]"), x("[nul]"), x(#"["\x"]"#), x(#"["\u12G4"]"#), x(#"["\ud800"]"#),
        x("[\"a\nb\"]"), x("[\"a]"),
    ])
    func `Malformed pattern is rejected`(text: String) {
        #expect(throws: EventPatternError.self) { try EventPattern(text) }
    }

    @Test(arguments: [
        #"{"$or": {}}"#, #"{"$or": []}"#, #"{"$or": [{"a": [1]}]}"#, #"{"$or": [{"a": [1]}, {}]}"#,
        #"{"$or": [{"a": [1]}, 1]}"#, #"{"$or": [{"a": [1]}, [{"b": [1]}]]}"#, #"{"$or": "a"}"#,
        #"{"$or": [{"a": [1]}, {"cidr": [1]}]}"#, #"{"$or": [{"a": [1]}, {"b": {"<": [1]}}]}"#,
        #"{"$or": [{"a": [1]}, {"$or": [{"b": [1]}]}]}"#,
    ])
    func `Invalid $or is rejected`(text: String) {
        #expect(throws: EventPatternError.self) { try EventPattern(text) }
    }

    @Test func `Error names the line, the column and the field`() {
        let error = #expect(throws: EventPatternError.self) {
            try EventPattern("{\n  \"detail\": {\n    \"total\": [{\"numeric\": 5}]\n  }\n}")
        }
        #expect(error?.line == 3)
        #expect(error?.column == 27)
        #expect(error?.path == "detail.total")
        #expect(
            error?.description == "event pattern, line 3, column 27, at detail.total: 'numeric' "
                + #"takes a comparison, such as [">", 0], or two, such as [">=", 0, "<", 5]"#)
    }
}

@Suite struct `Event pattern limits` {
    @Test func `Pattern of too many bytes is rejected`() throws {
        let bare = x(#"[""]"#).utf8.count
        let longest = String(repeating: "a", count: PatternLimits.textBytes - bare)
        _ = try EventPattern(x(#"["\#(longest)"]"#))
        #expect(throws: EventPatternError.self) { try EventPattern(x(#"["\#(longest)a"]"#)) }
    }

    @Test func `Pattern nested deeper than 32 levels is rejected`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: #"{"a": "#, count: depth - 1) + "[1]"
                + String(repeating: "}", count: depth - 1)
        }
        _ = try EventPattern(nested(PatternLimits.depth))
        let error = #expect(throws: EventPatternError.self) {
            try EventPattern(nested(PatternLimits.depth + 1))
        }
        #expect(error?.reason == "nested deeper than 32")
    }

    @Test func `Path of more than 32 names is rejected`() throws {
        let path = Array(repeating: "a", count: PatternLimits.depth).joined(separator: ".")
        _ = try EventPattern(#"{"\#(path)": [1]}"#)
        let error = #expect(throws: EventPatternError.self) {
            try EventPattern(#"{"a": {"\#(path)": [1]}}"#)
        }
        #expect(error?.reason == "a path has up to 32 names")
    }

    @Test func `Pattern with too many alternatives is rejected`() throws {
        func choices(_ count: Int, _ names: String) -> String {
            names.map { name in
                let branches = (0..<count).map { #"{"\#(name)": [\#($0)]}"# }
                return #""$or": [\#(branches.joined(separator: ","))]"#
            }.joined(separator: ",")
        }
        _ = try EventPattern("{\(choices(10, "abc"))}")
        #expect(throws: EventPatternError.self) { try EventPattern("{\(choices(10, "abcd"))}") }
        // Two to the power of 30 alternatives must be rejected before they are expanded.
        let many = "abcdefghijklmnopqrstuvwxyzABCD"
        #expect(throws: EventPatternError.self) { try EventPattern("{\(choices(2, many))}") }
    }

    @Test func `Pattern with too many fields in its alternatives is rejected`() throws {
        func text(_ fields: Int) -> String {
            let fields = (0..<fields - 1).map { #""f\#($0)": [1]"# }.joined(separator: ",")
            let branches = (0..<1_000).map { #"{"x": [\#($0)]}"# }.joined(separator: ",")
            return #"{\#(fields), "$or": [\#(branches)]}"#
        }
        _ = try EventPattern(text(10))
        #expect(throws: EventPatternError.self) { try EventPattern(text(11)) }
    }
}
