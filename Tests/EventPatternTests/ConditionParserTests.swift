import EventPattern
import Testing

private func x(_ list: String) -> String { #"{"detail": {"x": \#(list)}}"# }

@Suite struct `Conditions of patterns` {
    @Test(arguments: [
        #"{"prefix": 1}"#, #"{"prefix": ["a"]}"#, #"{"prefix": {"suffix": "a"}}"#,
        #"{"prefix": {"equals-ignore-case": ["a"]}}"#, #"{"suffix": null}"#, #"{"suffix": {}}"#,
        #"{"equals-ignore-case": ["a"]}"#, #"{"equals-ignore-case": 1}"#, #"{"wildcard": ["a*"]}"#,
        #"{"wildcard": "a**b"}"#, #"{"wildcard": "a\\b"}"#, #"{"wildcard": "a\\"}"#,
        #"{"anything-but": null}"#, #"{"anything-but": true}"#, #"{"anything-but": []}"#,
        #"{"anything-but": ["a", 1]}"#, #"{"anything-but": ["a", null]}"#,
        #"{"anything-but": [["a"]]}"#, #"{"anything-but": {"prefix": ""}}"#,
        #"{"anything-but": {"suffix": ["a", ""]}}"#, #"{"anything-but": {"prefix": []}}"#,
        #"{"anything-but": {"prefix": 1}}"#, #"{"anything-but": {"numeric": ["=", 1]}}"#,
        #"{"anything-but": {"cidr": "10.0.0.0/8"}}"#, #"{"anything-but": {"exists": true}}"#,
        #"{"anything-but": {"prefix": {"equals-ignore-case": "a"}}}"#,
        #"{"anything-but": {"prefix": "a", "suffix": "b"}}"#, #"{"anything-but": {}}"#,
        #"{"numeric": 5}"#, #"{"numeric": []}"#, #"{"numeric": [5]}"#, #"{"numeric": ["<"]}"#,
        #"{"numeric": ["!=", 5]}"#, #"{"numeric": ["<", "5"]}"#, #"{"numeric": ["<", 5, ">", 1]}"#,
        #"{"numeric": ["=", 5, "<", 6]}"#, #"{"numeric": [">", 5, "<", 5]}"#,
        #"{"numeric": [">", 5, "=", 6]}"#, #"{"numeric": [">", 1, ">", 2]}"#,
        #"{"numeric": [">", 1, "<", 2, "<", 3]}"#, #"{"numeric": [">", 1, "<"]}"#,
        #"{"numeric": ["=", 9007199254740993]}"#, #"{"numeric": ["<", 1e999]}"#,
        #"{"exists": 1}"#, #"{"exists": "true"}"#, #"{"exists": null}"#, #"{"exists": [true]}"#,
        #"{"cidr": "10.0.0.0"}"#, #"{"cidr": "10.0.0.0/32"}"#, #"{"cidr": "10.0.0.0/-1"}"#,
        #"{"cidr": "10.0.0.0/x"}"#, #"{"cidr": "10.0.0/8"}"#, #"{"cidr": "10.0.0.256/8"}"#,
        #"{"cidr": "2001:db8::/128"}"#, #"{"cidr": "1::2::3/64"}"#, #"{"cidr": "12345::/64"}"#,
        #"{"cidr": "1:2:3:4:5:6:7/64"}"#, #"{"cidr": "1:2:3:4:5:6:7:8:9/64"}"#,
        #"{"cidr": ":1:2:3:4:5:6:7:8/64"}"#, #"{"cidr": "1:2:3:4:5:6:7:/64"}"#, #"{"cidr": 10}"#,
        #"{"regex": "a"}"#, #"{"exactly": "a"}"#, #"{"prefix": "a", "suffix": "b"}"#,
        #"{"prefix": "a"#, #"{"prefix"}"#, #"{"prefix": "a",}"#,
    ])
    func `Error for an invalid operator names its field and column`(operation: String) {
        let error = #expect(throws: EventPatternError.self) {
            try EventPattern(x("[\(operation)]"))
        }
        #expect(error?.path == "detail.x")
        #expect((error?.column ?? 0) > 18)
    }

    @Test func `Wildcard with too many stars is rejected`() throws {
        let stars = String(repeating: "*a", count: PatternLimits.stars)
        _ = try EventPattern(x(#"[{"wildcard": "\#(stars)"}]"#))
        #expect(throws: EventPatternError.self) {
            try EventPattern(x(#"[{"wildcard": "\#(stars)*"}]"#))
        }
    }
}
