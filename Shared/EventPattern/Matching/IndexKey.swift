import EventSourcing

/// The key of a clause in the index.
///
/// If a clause matches an event, some value of the event leads to one of the clause's keys. The
/// reverse need not hold, because each clause that is found is checked.
enum IndexKey: Sendable {
    /// The hash of a value, or of a part of it.
    case bucket(field: Int, kind: Kind, length: Int, hash: UInt64)
    case range(field: Int, NumericRange)
    /// Any value of the field.
    case present(field: Int)
    /// Any event.
    case always

    enum Kind: Int, CaseIterable, Sendable {
        case string, prefix, suffix
        /// The same of the folded string. See CaselessText.
        case foldedString, foldedPrefix, foldedSuffix
        case numberText, number, simple, blockV4, blockV6

        /// Whether there is one look-up for each length of such keys, and not one for all.
        var hasLength: Bool {
            switch self {
            case .prefix, .suffix, .foldedPrefix, .foldedSuffix, .blockV4, .blockV6: true
            default: false
            }
        }
    }

    static func hash(_ field: Int, _ kind: Kind, _ text: Span<UInt8>) -> UInt64 {
        Hash.of(text, seed: UInt64(field << 4 | kind.rawValue))
    }

    static func hash(_ field: Int, _ kind: Kind, _ word: UInt64) -> UInt64 {
        Hash.mix(word, Hash.mix(UInt64(field << 4 | kind.rawValue), 0xE703_7ED1_A0B4_28DB))
    }

    static func hash(_ field: Int, _ block: AddressBlock) -> UInt64 {
        let low = hash(
            field, block.isV6 ? .blockV6 : .blockV4, UInt64(truncatingIfNeeded: block.prefix))
        return Hash.mix(low ^ UInt64(block.length), UInt64(truncatingIfNeeded: block.prefix >> 64))
    }

    static func text(_ field: Int, _ kind: Kind, _ text: [UInt8]) -> IndexKey {
        .bucket(
            field: field, kind: kind, length: kind.hasLength ? text.count : 0,
            hash: hash(field, kind, text.span))
    }

    static func word(_ field: Int, _ kind: Kind, _ word: UInt64) -> IndexKey {
        .bucket(field: field, kind: kind, length: 0, hash: hash(field, kind, word))
    }
}

extension Clause.Test {
    /// The keys of all ways to meet the test.
    var keys: [IndexKey] { acceptsAbsence ? [.always] : conditions.flatMap(keys) }

    private func keys(of condition: Condition) -> [IndexKey] {
        switch condition {
        case .strings(let strings): strings.strings.map { .text(field, .string, $0) }
        case .prefix(let text): [.text(field, .prefix, text)]
        case .suffix(let text): [.text(field, .suffix, text)]
        case .equalsIgnoringCase(let text): [folded(.foldedString, text)]
        case .prefixIgnoringCase(let text): [folded(.foldedPrefix, text)]
        case .suffixIgnoringCase(let text): [folded(.foldedSuffix, text)]
        case .wildcard(let wildcard): [key(of: wildcard)]
        case .number(let number): [.word(field, .number, number.indexBits)]
        case .numberText(let text): [.text(field, .numberText, text)]
        case .null: [.word(field, .simple, UInt64(FieldValue.Kind.null.rawValue))]
        case .bool(let bool):
            [
                .word(
                    field, .simple,
                    UInt64((bool ? FieldValue.Kind.true : .false).rawValue))
            ]
        case .address(let block):
            [
                .bucket(
                    field: field, kind: block.isV6 ? .blockV6 : .blockV4, length: block.length,
                    hash: IndexKey.hash(field, block))
            ]
        case .numeric(let range): [.range(field: field, range)]
        case .exists, .anythingBut: [.present(field: field)]
        }
    }

    private func folded(_ kind: IndexKey.Kind, _ text: CaselessText) -> IndexKey {
        .text(field, kind, CaselessText.folded(text.text.span))
    }

    /// Returns the key of the text before the first star or after the last one.
    private func key(of wildcard: Wildcard) -> IndexKey {
        let (first, last) = (wildcard.parts[0], wildcard.parts[wildcard.parts.count - 1])
        if wildcard.parts.count == 1 { return .text(field, .string, first) }
        if !first.isEmpty { return .text(field, .prefix, first) }
        return last.isEmpty ? .present(field: field) : .text(field, .suffix, last)
    }
}

extension Double {
    /// The bits of the number, the same for both zeros, which are equal.
    var indexBits: UInt64 { (self == 0 ? 0 : self).bitPattern }
}
