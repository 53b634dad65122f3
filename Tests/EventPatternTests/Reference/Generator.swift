import TestSupport

/// Generates random patterns and events from few names and values, so that they often match.
struct Generator {
    var random: SplitMix

    private static let names = ["a", "b", "c", "a.b"]
    private static let strings = [
        "", "a", "A", "ab", "aB", "abc", "b", "SS", "ß", "ẞ", "i", "İ", "K", "\u{212A}", "x*y",
        "\\",
        "10.0.0.1", "010.0.0.1", "10.1.2.3", "2001:db8::1", "2001:0db8:0:0:0:0:0:1", "::", "é", "😀",
        "64:ff9b::192.0.2.33", "64:ff9b::c000:221", "::10.0.0.1",
    ]
    private static let numbers = [
        "0", "-0", "1", "1.0", "1e0", "2", "2.5", "25e-1", "-1", "10", "300", "3e2",
        "9007199254740992", "9007199254740993", "9007199254740994", "6.02214076e23", "1e300",
        "1152921504606846976", "1152921504606847000", "-1e300",
    ]

    // MARK: Events

    mutating func event() -> Sample {
        Sample(
            stream: random.pick(["order-1", "account-1", "order"]),
            type: random.pick(["Placed", "Paid"]), tags: random.chance(50) ? ["a", "b"] : [],
            metadata: random.chance(50) ? object(depth: 1).text : "",
            data: (random.chance(95) ? object(depth: 3) : value(depth: 2)).text,
            replayName: random.chance(20) ? "a" : nil)
    }

    private mutating func object(depth: Int) -> Tree {
        .object(
            (0..<Int.random(in: 0...3, using: &random)).map { _ in
                Tree.Member(name: random.pick(Self.names), value: value(depth: depth - 1))
            })
    }

    private mutating func value(depth: Int) -> Tree {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<25 where depth > 0: object(depth: depth)
        case 25..<60 where depth > 0:
            .array(
                (0..<Int.random(in: 0...4, using: &random)).map { _ in
                    random.chance(70) ? object(depth: depth) : value(depth: depth - 1)
                })
        default: scalar()
        }
    }

    private mutating func scalar() -> Tree {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: .null
        case 1: .bool(random.chance(50))
        case 2..<5: .number(random.pick(Self.numbers))
        default: .string(random.pick(Self.strings))
        }
    }

    // MARK: Patterns

    mutating func pattern() -> String {
        if random.chance(15) {
            return
                #"{"\#(random.pick(["stream", "category", "detail-type", "tags"]))": \#(list())}"#
        }
        var members: [String] = []
        if random.chance(30) {
            members.append(#""detail-type": ["\#(random.pick(["Placed", "Paid"]))"]"#)
        }
        if random.chance(10) { members.append(#""replay-name": [{"exists": false}]"#) }
        if random.chance(10) { members.append(#""metadata": \#(fields(depth: 1))"#) }
        members.append(#""detail": \#(fields(depth: 3))"#)
        return "{" + members.joined(separator: ", ") + "}"
    }

    private mutating func fields(depth: Int) -> String {
        var members = (0..<Int.random(in: 1...2, using: &random)).map { _ in
            let name = random.pick(Self.names)
            let isLeaf = depth == 1 || random.chance(60)
            return #""\#(name)": \#(isLeaf ? list() : fields(depth: depth - 1))"#
        }
        if depth > 1, random.chance(20) {
            let branches = (0..<Int.random(in: 2...3, using: &random)).map { _ in
                fields(depth: depth - 1)
            }
            members.insert(
                #""$or": [\#(branches.joined(separator: ", "))]"#,
                at: random.pick([0, members.count]))
        }
        return "{" + members.joined(separator: ", ") + "}"
    }

    private mutating func list() -> String {
        "["
            + (0..<Int.random(in: 1...2, using: &random)).map { _ in
                random.chance(40) ? scalar().text : operation()
            }.joined(separator: ", ") + "]"
    }

    private mutating func string(_ isAllowed: (String) -> Bool = { _ in true }) -> String {
        Tree.quoted(random.pick(Self.strings.filter(isAllowed)))
    }

    private mutating func operation() -> String {
        switch Int.random(in: 0..<11, using: &random) {
        case 0: #"{"prefix": \#(string())}"#
        case 1: #"{"suffix": \#(string())}"#
        case 2: #"{"equals-ignore-case": \#(string())}"#
        case 3: #"{"\#(random.pick(["prefix", "suffix"]))": {"equals-ignore-case": \#(string())}}"#
        case 4: #"{"wildcard": \#(random.pick(Self.wildcards))}"#
        case 5: #"{"cidr": "\#(random.pick(Self.blocks))"}"#
        case 6: #"{"numeric": \#(random.pick(Self.comparisons))}"#
        case 7: #"{"exists": true}"#
        case 8: #"{"exists": false}"#
        default: #"{"anything-but": \#(exclusion())}"#
        }
    }

    private static let wildcards = [
        #""*""#, #""a*a""#, #""a*""#, #""*b""#, #""a*c""#, #""""#, #""x\\*y""#, #""\\\\""#,
        #""*a*b*""#,
        #""ab""#,
    ]
    private static let blocks = [
        "10.0.0.0/8", "10.0.0.0/31", "0.0.0.0/0", "10.1.9.9/15", "2001:db8::/32", "::/0", "::/127",
        "32.1.13.0/24",
    ]
    private static let comparisons = [
        #"["=", 1]"#, #"["<", 1]"#, #"["<=", 1]"#, #"[">", 0]"#, #"[">=", 2.5]"#,
        #"[">", 0, "<=", 2]"#, #"[">=", -1, "<", 300]"#,
    ]

    private mutating func exclusion() -> String {
        switch Int.random(in: 0..<8, using: &random) {
        case 0: random.pick(Self.numbers)
        case 1: "[\(random.pick(Self.numbers)), \(random.pick(Self.numbers))]"
        case 2: string()
        case 3: "[\(string()), \(string())]"
        case 4: #"{"prefix": \#(string { !$0.isEmpty })}"#
        case 5: #"{"suffix": [\#(string { !$0.isEmpty })]}"#
        case 6: #"{"equals-ignore-case": [\#(string()), \#(string())]}"#
        default: #"{"wildcard": \#(random.pick(Self.wildcards))}"#
        }
    }
}
