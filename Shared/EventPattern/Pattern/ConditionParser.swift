import JSON

// The elements of a field's list: values and operators.

/// An operator on strings. `anything-but` takes it, too.
enum StringOperator: String {
    case prefix, suffix, wildcard
    case equalsIgnoringCase = "equals-ignore-case"

    var isAffix: Bool { self == .prefix || self == .suffix }
}

extension PatternParser {
    /// Reads an element. Returns nil for `{"exists": false}`.
    mutating func element() throws(JSONError) -> Condition? {
        switch peek() {
        case "{": return try operation()
        case "[":
            throw failure("a list can't hold a list; write the values side by side, such as [1, 2]")
        default: break
        }
        let start = scanner.at
        switch try scalar() {
        case .null: return .literal(.null)
        case .true: return .literal(.true)
        case .false: return .literal(.false)
        case .number(let range): return exactly(range)
        case .string(let token):
            let string = try decoded(token, start)
            return AddressBlock(string.span).map(Condition.address) ?? .strings(ByteSet([string]))
        }
    }

    private mutating func operation() throws(JSONError) -> Condition? {
        let (name, offset) = try openOperation()
        let condition: Condition?
        switch name {
        case "exists":
            let next = peek()
            guard next == "t" || next == "f" else { throw failure("'exists' takes true or false") }
            if case .true = try scalar() { condition = .exists } else { condition = nil }
        case "anything-but": condition = .anythingBut(try exclusions())
        case "numeric": condition = try numeric()
        case "cidr": condition = .address(try block())
        default:
            guard let operation = StringOperator(rawValue: name) else {
                throw failure(
                    "unknown operator '\(name)'; use prefix, suffix, equals-ignore-case, wildcard, "
                        + "anything-but, numeric, exists or cidr", at: offset)
            }
            condition =
                try operation.isAffix && peek() == "{"
                ? caselessAffix(operation) : string(operation)
        }
        try closeOperation(name)
        return condition
    }

    mutating func openOperation() throws(JSONError) -> (String, offset: Int) {
        try openNonEmpty(until: "}", #"an operator is missing, as in {"prefix": "x"}"#)
        _ = try hasNext(until: "}")
        let (name, offset) = try key()
        return (String(decoding: name, as: UTF8.self), offset)
    }

    mutating func closeOperation(_ name: String) throws(JSONError) {
        if try hasNext(until: "}") {
            _ = peek()
            throw failure(
                "'\(name)' stands alone in its object; write another operator as {…}, {…}")
        }
    }

    // MARK: Operands

    /// Reads the string that an operator takes.
    mutating func string(_ operation: StringOperator) throws(JSONError) -> Condition {
        _ = peek()
        let start = scanner.at
        let text = try string(for: operation.rawValue)
        switch operation {
        case .prefix: return .wildcard(Wildcard(parts: [text, []]))
        case .suffix: return .wildcard(Wildcard(parts: [[], text]))
        case .equalsIgnoringCase: return .caseless(CaselessText(text, .whole))
        case .wildcard: return .wildcard(try wildcard(text, start))
        }
    }

    mutating func string(for name: String) throws(JSONError) -> [UInt8] {
        try string(orElse: "'\(name)' takes a string")
    }

    mutating func string(orElse reason: String) throws(JSONError) -> [UInt8] {
        try expect("\"", reason)
        let start = scanner.at
        guard case .string(let token) = try scalar() else { throw failure(reason) }
        return try decoded(token, start)
    }

    func exactly(_ range: Range<Int>) -> Condition {
        JSONNumber.double(text.span.extracting(range)).map(exactly)
            ?? .numberText(Array(text[range]))
    }

    func exactly(_ number: Double) -> Condition {
        .numeric(NumericRange(lower: number, upper: number))
    }

    private mutating func caselessAffix(
        _ operation: StringOperator
    ) throws(JSONError) -> Condition {
        let (inner, offset) = try openOperation()
        guard inner == StringOperator.equalsIgnoringCase.rawValue else {
            throw failure(
                #"'\#(operation.rawValue)' takes a string or {"equals-ignore-case": "x"}"#,
                at: offset)
        }
        let text = CaselessText(
            try string(for: inner), operation == .prefix ? .prefix : .suffix)
        try closeOperation(inner)
        return .caseless(text)
    }

    private func wildcard(
        _ text: [UInt8], _ start: Int
    ) throws(JSONError) -> Wildcard {
        var parts: [[UInt8]] = [[]]
        var rest = text[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "\\"):
                guard let escaped = rest.popFirst(),
                    escaped == UInt8(ascii: "*") || escaped == UInt8(ascii: "\\")
                else {
                    throw failure(
                        #"in a wildcard, escape only "*" and the backslash: \* or \\"#, at: start)
                }
                parts[parts.count - 1].append(escaped)
            case UInt8(ascii: "*"):
                guard rest.first != UInt8(ascii: "*") else {
                    throw failure("a wildcard can't have '**'; write one '*'", at: start)
                }
                parts.append([])
            default: parts[parts.count - 1].append(byte)
            }
        }
        guard parts.count <= PatternLimits.stars + 1 else {
            throw failure(
                "a wildcard has at most \(PatternLimits.stars) '*'", at: start)
        }
        return Wildcard(parts: parts)
    }

    private mutating func block() throws(JSONError) -> AddressBlock {
        _ = peek()
        let start = scanner.at
        let text = try string(for: "cidr")
        let parts = text.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, let address = AddressBlock(Array(parts[0]).span),
            let length = UInt8(String(decoding: parts[1], as: UTF8.self)),
            length < address.length
        else {
            throw failure(
                "'cidr' takes an IPv4 address and a length up to 31, such as \"10.0.0.0/8\", or an "
                    + "IPv6 address and one up to 127", at: start)
        }
        return address.shortened(to: Int(length))
    }
}
