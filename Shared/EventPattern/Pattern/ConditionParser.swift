import JSON

// The elements of a field's list: values and operators.

extension PatternParser {
    enum Element {
        /// A string, kept separate so that all strings of a list are looked up at once.
        case string([UInt8])
        case condition(Condition)
        case absence
    }

    mutating func element() throws(EventPatternError) -> Element {
        switch peek() {
        case UInt8(ascii: "{"): return try operation()
        case UInt8(ascii: "["):
            throw failure("a list can't hold a list; write the values side by side, such as [1, 2]")
        default: break
        }
        let start = scanner.at
        switch try scalar() {
        case .null: return .condition(.null)
        case .true: return .condition(.bool(true))
        case .false: return .condition(.bool(false))
        case .number(let range): return .condition(exactly(range))
        case .string(let token):
            let string = try decoded(token, start)
            guard let address = IPAddress(string.span) else { return .string(string) }
            return .condition(.address(AddressBlock(address, length: address.width)))
        }
    }

    private mutating func operation() throws(EventPatternError) -> Element {
        let (name, offset) = try openOperation()
        let element: Element
        switch name {
        case "exists": element = try exists() ? .condition(.exists) : .absence
        case "prefix":
            element = .condition(
                try affix(name, Condition.prefix, orIgnoringCase: Condition.prefixIgnoringCase))
        case "suffix":
            element = .condition(
                try affix(name, Condition.suffix, orIgnoringCase: Condition.suffixIgnoringCase))
        case "equals-ignore-case":
            element = .condition(.equalsIgnoringCase(CaselessText(try string(for: name))))
        case "wildcard": element = .condition(.wildcard(try wildcard()))
        case "anything-but": element = .condition(.anythingBut(try exclusions()))
        case "numeric": element = .condition(try numeric())
        case "cidr": element = .condition(.address(try block()))
        default: throw unknown(name, at: offset)
        }
        try closeOperation(name)
        return element
    }

    private func unknown(_ name: String, at offset: Int) -> EventPatternError {
        failure(
            "unknown operator '\(name)'; use prefix, suffix, equals-ignore-case, wildcard, "
                + "anything-but, numeric, exists or cidr", at: offset)
    }

    mutating func openOperation() throws(EventPatternError) -> (String, offset: Int) {
        let start = scanner.at
        try open()
        var isFirst = true
        guard try hasNext(until: UInt8(ascii: "}"), isFirst: &isFirst) else {
            throw failure(#"an operator is missing, as in {"prefix": "x"}"#, at: start)
        }
        let (name, offset) = try key()
        return (String(decoding: name, as: UTF8.self), offset)
    }

    mutating func closeOperation(_ name: String) throws(EventPatternError) {
        var isFirst = false
        if try hasNext(until: UInt8(ascii: "}"), isFirst: &isFirst) {
            _ = peek()
            throw failure(
                "'\(name)' stands alone in its object; write another operator as {…}, {…}")
        }
    }

    // MARK: Operands

    mutating func string(for name: String) throws(EventPatternError) -> [UInt8] {
        guard peek() == UInt8(ascii: "\"") else { throw failure("'\(name)' takes a string") }
        return try string()
    }

    mutating func string() throws(EventPatternError) -> [UInt8] {
        let start = scanner.at
        guard case .string(let token) = try scalar() else { throw failure("expected a string") }
        return try decoded(token, start)
    }

    func exactly(_ range: Range<Int>) -> Condition {
        JSONNumber.double(text.span.extracting(range)).map(Condition.number)
            ?? .numberText(Array(text[range]))
    }

    private mutating func exists() throws(EventPatternError) -> Bool {
        switch peek() {
        case UInt8(ascii: "t"), UInt8(ascii: "f"):
            if case .true = try scalar() { return true }
            return false
        default: throw failure("'exists' takes true or false")
        }
    }

    private mutating func affix(
        _ name: String, _ condition: ([UInt8]) -> Condition,
        orIgnoringCase caseless: (CaselessText) -> Condition
    ) throws(EventPatternError) -> Condition {
        guard peek() == UInt8(ascii: "{") else { return condition(try string(for: name)) }
        let (inner, offset) = try openOperation()
        guard inner == "equals-ignore-case" else {
            throw failure(
                #"'\#(name)' takes a string or {"equals-ignore-case": "x"}"#, at: offset)
        }
        let text = CaselessText(try string(for: inner))
        try closeOperation(inner)
        return caseless(text)
    }

    mutating func wildcard() throws(EventPatternError) -> Wildcard {
        guard peek() == UInt8(ascii: "\"") else { throw failure("'wildcard' takes a string") }
        let start = scanner.at
        let text = try string()
        do throws(Wildcard.Refusal) {
            return try Wildcard(text)
        } catch {
            throw failure(error.reason, at: start)
        }
    }

    private mutating func block() throws(EventPatternError) -> AddressBlock {
        _ = peek()
        let start = scanner.at
        let text = try string(for: "cidr")
        let parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, let address = IPAddress(Array(parts[0]).span),
            let length = UInt8(String(decoding: parts[1], as: UTF8.self)),
            length < address.width
        else {
            throw failure(
                "'cidr' takes an IPv4 address and a length up to 31, such as \"10.0.0.0/8\", or an "
                    + "IPv6 address and one up to 127", at: start)
        }
        return AddressBlock(address, length: Int(length))
    }
}
