/// The clauses of one field by their keys. It finds the clauses that a value may meet without
/// visiting the others.
struct FieldIndex: Sendable {
    /// The lengths of each kind of key, in ascending order, with the number of keys of each length.
    private var lengths: [[(length: Int, count: Int)]] = Array(
        repeating: [], count: IndexKey.Kind.allCases.count)
    private var buckets: [UInt64: [Int32]] = [:]
    private var ranges = RangeIndex()
    private var present: [Int32] = []

    // MARK: Changes

    mutating func insert(_ clause: Int32, under key: IndexKey) {
        switch key {
        case .bucket(let kind, let length, let hash):
            buckets[hash, default: []].append(clause)
            lengths[kind.rawValue].count(length, by: 1)
        case .range(let range): ranges.insert(clause, range)
        case .present: present.append(clause)
        }
    }

    /// Undoes an insert.
    mutating func remove(_ clause: Int32, under key: IndexKey) {
        switch key {
        case .bucket(let kind, let length, let hash):
            buckets[hash]?.removeAll { $0 == clause }
            if buckets[hash]?.isEmpty == true { buckets[hash] = nil }
            lengths[kind.rawValue].count(length, by: -1)
        case .range(let range): ranges.remove(clause, range)
        case .present: present.removeAll { $0 == clause }
        }
    }

    /// Returns roughly how many clauses a look-up under `key` finds without a match, in quarters.
    func cost(of key: IndexKey) -> Int {
        switch key {
        case .bucket(let kind, _, let hash):
            4 * (buckets[hash]?.count ?? 0) + (kind.hasLength ? 2 : 1)
        case .range(let range): 8 + 4 * ranges.count(around: range.inside)
        case .present: 64 + 16 * present.count
        }
    }

    // MARK: Look-up

    /// Calls `found` with each clause that the value may meet, with some of them more than once.
    ///
    /// It is inlined because a call would retain each part of an index in an array.
    @inline(__always) func candidates(
        for value: FieldValue, _ text: Span<UInt8>, _ found: (Int32) -> Void
    ) {
        present.forEach(found)
        switch value.kind {
        case .string: strings(text, found)
        case .number:
            if has(.number) { bucket(IndexKey.hash(.number, value.number.indexBits), found) }
            ranges.forEach(around: value.number, found)
        case .numberText: texts(.numberText, text, found)
        case .null, .true, .false:
            bucket(IndexKey.hash(.literal, UInt64(value.kind.rawValue)), found)
        }
    }

    private func has(_ kind: IndexKey.Kind) -> Bool { !lengths[kind.rawValue].isEmpty }

    private func bucket(_ hash: UInt64, _ found: (Int32) -> Void) {
        buckets[hash]?.forEach(found)
    }

    private func strings(_ text: Span<UInt8>, _ found: (Int32) -> Void) {
        texts(.string, text, found)
        texts(.prefix, text, found)
        texts(.suffix, text, found)
        if has(.foldedString) || has(.foldedPrefix) || has(.foldedSuffix) {
            let folded = CaselessText.folded(text)
            texts(.foldedString, folded.span, found)
            texts(.foldedPrefix, folded.span, found)
            texts(.foldedSuffix, folded.span, found)
        }
        if has(.blockV4) || has(.blockV6), let address = AddressBlock(text) {
            for (length, _) in lengths[address.kind.rawValue] {
                bucket(IndexKey.hash(address.shortened(to: length)), found)
            }
        }
    }

    private func texts(_ kind: IndexKey.Kind, _ text: Span<UInt8>, _ found: (Int32) -> Void) {
        for (length, _) in lengths[kind.rawValue] {
            guard length <= text.count else { break }
            switch kind {
            case .prefix, .foldedPrefix:
                bucket(IndexKey.hash(kind, text.extracting(first: length)), found)
            case .suffix, .foldedSuffix:
                bucket(IndexKey.hash(kind, text.extracting(last: length)), found)
            default: bucket(IndexKey.hash(kind, text), found)
            }
        }
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
