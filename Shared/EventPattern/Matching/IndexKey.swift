/// The key of a clause in the index of a field.
///
/// If a clause matches an event, some value of the field leads to one of the clause's keys. The
/// reverse need not hold, because each clause that is found is checked.
enum IndexKey: Sendable {
    /// The hash of a value, or of a part of it.
    case bucket(Kind, length: Int, hash: UInt64)
    case range(NumericRange)
    /// Any value.
    case present

    enum Kind: Int, CaseIterable, Sendable {
        case string, prefix, suffix
        /// The same of the folded string. See CaselessText.
        case foldedString, foldedPrefix, foldedSuffix
        case numberText, number, literal, blockV4, blockV6

        /// Whether there is one look-up for each length of such keys, and not one for all.
        var hasLength: Bool {
            switch self {
            case .prefix, .suffix, .foldedPrefix, .foldedSuffix, .blockV4, .blockV6: true
            default: false
            }
        }
    }

    static func hash(_ kind: Kind, _ text: Span<UInt8>) -> UInt64 {
        Hash.of(text, seed: UInt64(kind.rawValue))
    }

    static func hash(_ kind: Kind, _ word: UInt64) -> UInt64 {
        Hash.mix(word, Hash.mix(UInt64(kind.rawValue), 0xE703_7ED1_A0B4_28DB))
    }

    static func hash(_ block: AddressBlock) -> UInt64 {
        let word = UInt64(truncatingIfNeeded: block.prefix ^ block.prefix >> 64)
        return hash(block.kind, word ^ UInt64(block.length) << 56)
    }

    static func text(_ kind: Kind, _ text: [UInt8]) -> IndexKey {
        .bucket(
            kind, length: kind.hasLength ? text.count : 0, hash: hash(kind, text.span))
    }

    static func word(_ kind: Kind, _ word: UInt64) -> IndexKey {
        .bucket(kind, length: 0, hash: hash(kind, word))
    }
}

extension Condition {
    /// The keys of all ways to meet the condition.
    var keys: [IndexKey] {
        switch self {
        case .strings(let strings): strings.strings.map { .text(.string, $0) }
        case .wildcard(let wildcard): [wildcard.key]
        case .caseless(let text): [text.key]
        case .address(let block):
            [.bucket(block.kind, length: block.length, hash: IndexKey.hash(block))]
        case .numeric(let range) where range.lower == range.upper:
            [.word(.number, range.lower.indexBits)]
        case .numeric(let range): [.range(range)]
        case .numberText(let text): [.text(.numberText, text)]
        case .literal(let kind): [.word(.literal, UInt64(kind.rawValue))]
        case .exists, .anythingBut: [.present]
        }
    }
}

extension AddressBlock {
    /// The kind of the block's key.
    var kind: IndexKey.Kind { isV6 ? .blockV6 : .blockV4 }
}

extension CaselessText {
    fileprivate var key: IndexKey {
        let folded = Self.folded(text.span)
        return switch part {
        case .whole: .text(.foldedString, folded)
        case .prefix: .text(.foldedPrefix, folded)
        case .suffix: .text(.foldedSuffix, folded)
        }
    }
}

extension Wildcard {
    /// The key of the text before the first star or after the last one.
    fileprivate var key: IndexKey {
        let (first, last) = (parts[0], parts[parts.count - 1])
        if parts.count == 1 { return .text(.string, first) }
        if !first.isEmpty { return .text(.prefix, first) }
        return last.isEmpty ? .present : .text(.suffix, last)
    }
}

extension Double {
    /// The bits of the number, the same for both zeros, which are equal.
    var indexBits: UInt64 { (self == 0 ? 0 : self).bitPattern }
}
