import EventSourcing

/// Clauses by their keys. It finds the clauses that may match an event without visiting the others.
struct PatternIndex: Sendable {
    private struct Field: Sendable {
        /// The lengths of each kind of key, in ascending order, with the number of keys of each
        /// length.
        var lengths: [[(length: Int, count: Int)]] = Array(
            repeating: [], count: IndexKey.Kind.allCases.count)
        var ranges = RangeIndex()
        var present: [Int32] = []

        func has(_ kind: IndexKey.Kind) -> Bool { !lengths[kind.rawValue].isEmpty }
        var hasFolded: Bool { has(.foldedString) || has(.foldedPrefix) || has(.foldedSuffix) }
        var hasBlocks: Bool { has(.blockV4) || has(.blockV6) }
    }

    private var fields: [Field] = []
    private var buckets: [UInt64: [Int32]] = [:]
    private var always: [Int32] = []

    // MARK: Changes

    mutating func insert(_ clause: Int32, under key: IndexKey) {
        switch key {
        case .bucket(let field, let kind, let length, let hash):
            buckets[hash, default: []].append(clause)
            makeRoom(for: field)
            fields[field].lengths[kind.rawValue].count(length, by: 1)
        case .range(let field, let range):
            makeRoom(for: field)
            fields[field].ranges.insert(clause, range)
        case .present(let field):
            makeRoom(for: field)
            fields[field].present.append(clause)
        case .always: always.append(clause)
        }
    }

    /// Undoes an insert.
    mutating func remove(_ clause: Int32, under key: IndexKey) {
        switch key {
        case .bucket(let field, let kind, let length, let hash):
            buckets[hash]?.removeFirst(clause)
            if buckets[hash]?.isEmpty == true { buckets[hash] = nil }
            fields[field].lengths[kind.rawValue].count(length, by: -1)
        case .range(let field, let range): fields[field].ranges.remove(clause, range)
        case .present(let field): fields[field].present.removeFirst(clause)
        case .always: always.removeFirst(clause)
        }
    }

    private mutating func makeRoom(for field: Int) {
        while fields.count <= field { fields.append(Field()) }
    }

    /// Returns roughly how many clauses a look-up under `key` finds without a match, in quarters.
    func cost(of key: IndexKey) -> Int {
        switch key {
        case .bucket(_, let kind, _, let hash):
            4 * (buckets[hash]?.count ?? 0) + (kind.hasLength ? 2 : 1)
        case .range(let field, let range):
            8 + (field < fields.count ? 4 * fields[field].ranges.count(around: range.inside) : 0)
        case .present(let field):
            64 + (field < fields.count ? 16 * fields[field].present.count : 0)
        case .always: 1_000_000
        }
    }

    // MARK: Look-up

    /// Calls `found` with each clause that may match, with some of them more than once.
    func candidates(
        for event: EventFields, _ record: Span<UInt8>, _ found: (Int32) -> Void
    ) {
        always.forEach(found)
        for value in event.values where Int(value.field) < fields.count {
            fields[Int(value.field)].present.forEach(found)
            switch value.kind {
            case .string where value.isDecoded:
                strings(value, event.decoded.span.extracting(value.range), found)
            case .string: strings(value, record.extracting(value.range), found)
            case .number: numbers(value, found)
            case .numberText where value.isDecoded:
                texts(value, .numberText, event.decoded.span.extracting(value.range), found)
            case .numberText: texts(value, .numberText, record.extracting(value.range), found)
            case .null, .true, .false:
                bucket(
                    IndexKey.hash(Int(value.field), .simple, UInt64(value.kind.rawValue)), found)
            }
        }
    }

    private func bucket(_ hash: UInt64, _ found: (Int32) -> Void) {
        buckets[hash]?.forEach(found)
    }

    private func numbers(_ value: FieldValue, _ found: (Int32) -> Void) {
        let field = Int(value.field)
        if fields[field].has(.number) {
            bucket(IndexKey.hash(field, .number, value.number.indexBits), found)
        }
        fields[field].ranges.forEach(around: value.number, found)
    }

    private func strings(_ value: FieldValue, _ text: Span<UInt8>, _ found: (Int32) -> Void) {
        texts(value, .string, text, found)
        texts(value, .prefix, text, found)
        texts(value, .suffix, text, found)
        let field = Int(value.field)
        if fields[field].hasFolded {
            let folded = CaselessText.folded(text)
            texts(value, .foldedString, folded.span, found)
            texts(value, .foldedPrefix, folded.span, found)
            texts(value, .foldedSuffix, folded.span, found)
        }
        if fields[field].hasBlocks, let address = IPAddress(text) {
            let kind: IndexKey.Kind = address.isV6 ? .blockV6 : .blockV4
            for (length, _) in fields[field].lengths[kind.rawValue] {
                bucket(IndexKey.hash(field, AddressBlock(address, length: length)), found)
            }
        }
    }

    private func texts(
        _ value: FieldValue, _ kind: IndexKey.Kind, _ text: Span<UInt8>, _ found: (Int32) -> Void
    ) {
        let field = Int(value.field)
        for (length, _) in fields[field].lengths[kind.rawValue] {
            guard length <= text.count else { break }
            switch kind {
            case .prefix, .foldedPrefix:
                bucket(IndexKey.hash(field, kind, text.extracting(first: length)), found)
            case .suffix, .foldedSuffix:
                bucket(IndexKey.hash(field, kind, text.extracting(last: length)), found)
            default: bucket(IndexKey.hash(field, kind, text), found)
            }
        }
    }
}

extension [Int32] {
    fileprivate mutating func removeFirst(_ clause: Int32) {
        if let index = firstIndex(of: clause) { remove(at: index) }
    }
}

extension [(length: Int, count: Int)] {
    fileprivate mutating func count(_ length: Int, by difference: Int) {
        let index = firstIndex { $0.length >= length } ?? count
        if index == count || self[index].length != length {
            insert((length, 0), at: index)
        }
        self[index].count += difference
        if self[index].count == 0 { remove(at: index) }
    }
}
