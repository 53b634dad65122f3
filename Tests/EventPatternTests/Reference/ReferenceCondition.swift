/// Evaluates one item of a field's list on one value.
enum ReferenceCondition {
    static func holds(_ condition: Tree, of leaf: Tree) -> Bool {
        guard let operation = condition.members.first else {
            return equal(condition, leaf) || sameAddress(condition, leaf)
        }
        let (name, operand) = (operation.name, operation.value)
        switch name {
        case "exists": return operand.text == "true"
        case "anything-but": return !isExcluded(operand, leaf)
        case "numeric": return compares(operand, leaf)
        default:
            guard case .string(let text) = leaf else { return false }
            return holds(name, operand, text)
        }
    }

    private static func holds(_ name: String, _ operand: Tree, _ text: String) -> Bool {
        guard case .string(let other) = operand else {
            // Prefix or suffix without regard to case: one of the parts at that end must be equal.
            let caseless = operand["equals-ignore-case"] ?? .null
            guard case .string(let affix) = caseless else { return false }
            let scalars = Array(text.unicodeScalars)
            return (0...scalars.count).contains { length in
                let part = name == "prefix" ? scalars.prefix(length) : scalars.suffix(length)
                return equalIgnoringCase(Array(affix.unicodeScalars)[...], part)
            }
        }
        switch name {
        case "prefix": return Array(text.utf8).starts(with: other.utf8)
        case "suffix": return Array(text.utf8).reversed().starts(with: other.utf8.reversed())
        case "equals-ignore-case":
            return equalIgnoringCase(
                Array(other.unicodeScalars)[...], Array(text.unicodeScalars)[...])
        case "wildcard": return wildcard(Array(other.utf8)[...], Array(text.utf8)[...])
        case "cidr":
            let parts = other.split(separator: "/")
            guard let block = bits(String(parts[0])), let address = bits(text),
                let length = Int(parts[1])
            else { return false }
            return block.count == address.count && block.prefix(length) == address.prefix(length)
        default: return false
        }
    }

    private static func isExcluded(_ operand: Tree, _ leaf: Tree) -> Bool {
        if case .array(let items) = operand { return items.contains { equal($0, leaf) } }
        guard let inner = operand.members.first else { return equal(operand, leaf) }
        guard case .string(let text) = leaf else { return false }
        guard case .array(let items) = inner.value else {
            return holds(inner.name, inner.value, text)
        }
        return items.contains { holds(inner.name, $0, text) }
    }

    private static func equal(_ a: Tree, _ b: Tree) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.string(let a), .string(let b)): Array(a.utf8) == Array(b.utf8)
        case (.number(let a), .number(let b)):
            if let a = double(a), let b = double(b) { a == b } else { a == b }
        default: false
        }
    }

    /// The number as a double, or nil if the shortest decimal of the double has another value.
    private static func double(_ text: String) -> Double? {
        guard let double = Double(text) else { return nil }
        return digits(text) == digits(double.description) ? double : nil
    }

    /// The number's sign, its digits without leading and trailing zeros, and its power of ten.
    private static func digits(_ text: String) -> String {
        let parts = text.lowercased().split(separator: "e")
        let sides = parts[0].drop { $0 == "-" }.split(
            separator: ".", omittingEmptySubsequences: false)
        let fraction = sides.count > 1 ? String(sides[1]) : ""
        var digits = Substring(sides[0] + fraction).drop { $0 == "0" }
        var power = (parts.count > 1 ? Int(parts[1]) ?? 0 : 0) - fraction.count
        guard !digits.isEmpty else { return "0" }
        while digits.last == "0" {
            digits.removeLast()
            power += 1
        }
        return "\(text.hasPrefix("-") ? "-" : "")\(digits)e\(power)"
    }

    private static func compares(_ operand: Tree, _ leaf: Tree) -> Bool {
        guard case .array(let items) = operand, case .number(let text) = leaf,
            let number = double(text)
        else { return false }
        return stride(from: 0, to: items.count, by: 2).allSatisfy { index in
            guard case .string(let comparison) = items[index],
                case .number(let bound) = items[index + 1], let bound = double(bound)
            else { return false }
            return switch comparison {
            case "=": number == bound
            case "<": number < bound
            case "<=": number <= bound
            case ">": number > bound
            default: number >= bound
            }
        }
    }

    private static func equalIgnoringCase(
        _ pattern: ArraySlice<Unicode.Scalar>, _ text: ArraySlice<Unicode.Scalar>
    ) -> Bool {
        guard let first = pattern.first else { return text.isEmpty }
        let properties = first.properties
        let variants = [String(first), properties.lowercaseMapping, properties.uppercaseMapping]
        // Without duplicates, because a text without case would take exponential time.
        return Set(variants.map { Array($0.unicodeScalars) }).contains { variant in
            text.starts(with: variant)
                && equalIgnoringCase(pattern.dropFirst(), text.dropFirst(variant.count))
        }
    }

    private static func wildcard(
        _ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>
    ) -> Bool {
        switch pattern.first {
        case nil: return text.isEmpty
        case UInt8(ascii: "*"):
            return (text.startIndex...text.endIndex).contains {
                wildcard(pattern.dropFirst(), text[$0...])
            }
        case let byte:
            let literal = byte == UInt8(ascii: "\\") ? pattern.dropFirst() : pattern
            return text.first == literal.first && wildcard(literal.dropFirst(), text.dropFirst())
        }
    }

    private static func sameAddress(_ a: Tree, _ b: Tree) -> Bool {
        guard case .string(let a) = a, case .string(let b) = b, let a = bits(a) else {
            return false
        }
        return a == bits(b)
    }

    /// The bits of an address.
    private static func bits(_ text: String) -> [Bool]? {
        if let colon = text.lastIndex(of: ":"), text[colon...].contains(".") {
            // The same address with the last 32 bits as two groups.
            guard let v4 = bits(String(text[text.index(after: colon)...])), v4.count == 32 else {
                return nil
            }
            let groups = [v4.prefix(16), v4.suffix(16)].map { half in
                String(half.reduce(0) { $0 * 2 + ($1 ? 1 : 0) }, radix: 16)
            }
            return bits("\(text[...colon])\(groups[0]):\(groups[1])")
        }
        let dotted = text.split(separator: ".", omittingEmptySubsequences: false)
        if dotted.count == 4 {
            let bytes = dotted.compactMap { UInt8($0) }
            return bytes.count == 4 ? bytes.flatMap { bits(UInt16($0), 8) } : nil
        }
        guard text.contains(":") else { return nil }
        let sides = text.split(separator: "::", omittingEmptySubsequences: false).map {
            $0.split(separator: ":").map { UInt16($0, radix: 16) }
        }
        guard sides.count <= 2, !sides.joined().contains(nil) else { return nil }
        let given = sides.reduce(0) { $0 + $1.count }
        guard sides.count == 2 ? given < 8 : given == 8 else { return nil }
        let zeros = Array(repeating: UInt16?(0), count: 8 - given)
        return (sides[0] + zeros + (sides.count == 2 ? sides[1] : []))
            .flatMap { bits($0 ?? 0, 16) }
    }

    private static func bits(_ word: UInt16, _ width: Int) -> [Bool] {
        (0..<width).map { word >> UInt16(width - 1 - $0) & 1 == 1 }
    }
}
