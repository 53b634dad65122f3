/// What one value of a field may be asked for.
enum Condition: Sendable {
    /// Any of these strings, byte for byte.
    case strings(ByteSet)
    case number(Double)
    /// A number that no double says: only its own text matches.
    case numberText([UInt8])
    case null
    case bool(Bool)
    case prefix([UInt8])
    case suffix([UInt8])
    case equalsIgnoringCase(CaselessText)
    case prefixIgnoringCase(CaselessText)
    case suffixIgnoringCase(CaselessText)
    case wildcard(Wildcard)
    case numeric(NumericRange)
    /// An address, however it is written, or a block of them.
    case address(AddressBlock)
    /// Any value.
    case exists
    /// Any value that none of these match.
    indirect case anythingBut([Condition])

    /// Whether a value of this kind matches whose text `text` is, of a string without its quotes.
    func matches(_ value: FieldValue, _ text: Span<UInt8>) -> Bool {
        switch self {
        case .exists: true
        case .anythingBut(let conditions): !conditions.contains { $0.matches(value, text) }
        case .null: value.kind == .null
        case .bool(let bool): value.kind == (bool ? .true : .false)
        case .number(let number): value.kind == .number && value.number == number
        case .numeric(let range): value.kind == .number && range.contains(value.number)
        case .numberText(let number):
            value.kind == .numberText && text.elementsEqual(number)
        default: value.kind == .string && matches(string: text)
        }
    }

    private func matches(string text: Span<UInt8>) -> Bool {
        switch self {
        case .strings(let strings): strings.index(of: text) != nil
        case .prefix(let prefix): text.hasPrefix(prefix)
        case .suffix(let suffix): text.hasSuffix(suffix)
        case .equalsIgnoringCase(let other): other.equals(text)
        case .prefixIgnoringCase(let prefix): prefix.isPrefix(of: text)
        case .suffixIgnoringCase(let suffix): suffix.isSuffix(of: text)
        case .wildcard(let wildcard): wildcard.matches(text)
        case .address(let block): IPAddress(text).map(block.contains) ?? false
        default: false
        }
    }
}

/// Numbers between two bounds, each of which may belong to them or not.
struct NumericRange: Sendable {
    var lower = -Double.infinity
    var upper = Double.infinity
    var includesLower = true
    var includesUpper = true

    /// Some number in the range, or next to it.
    var inside: Double { lower.isFinite ? lower : upper }

    func contains(_ number: Double) -> Bool {
        (number > lower || includesLower && number == lower)
            && (number < upper || includesUpper && number == upper)
    }
}
