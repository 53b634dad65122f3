/// The last occurrence of each term, in a hash table with linear probing.
///
/// Terms are hashes already. The standard library's dictionary would hash them again.
struct TermTable: Sendable {
    private struct Entry {
        var term = Term(hash: 0)
        /// The value plus one; 0 for an empty entry.
        var value: UInt32 = 0
    }

    private var entries = [Entry](repeating: Entry(), count: 1024)
    private(set) var count = 0

    /// All terms and their values, in the order of the terms.
    var sorted: [(term: Term, value: UInt32)] {
        var all: [(term: Term, value: UInt32)] = []
        all.reserveCapacity(count)
        for entry in entries where entry.value != 0 { all.append((entry.term, entry.value - 1)) }
        all.sort { $0.term < $1.term }
        return all
    }

    subscript(term: Term) -> UInt32? {
        let value = entries[place(of: term)].value
        return value == 0 ? nil : value - 1
    }

    /// Sets the term's value and returns the previous one.
    mutating func update(_ term: Term, to value: UInt32) -> UInt32? {
        let place = place(of: term)
        let old = entries[place].value
        entries[place] = Entry(term: term, value: value + 1)
        guard old == 0 else { return old - 1 }
        count += 1
        if count > entries.count / 2 { grow() }
        return nil
    }

    /// Returns the index at which the term is, or at which it would be inserted.
    private func place(of term: Term) -> Int {
        let mask = entries.count - 1
        var place = Int(truncatingIfNeeded: term.hash) & mask
        while entries[place].value != 0, entries[place].term != term { place = (place + 1) & mask }
        return place
    }

    private mutating func grow() {
        let old = entries
        entries = [Entry](repeating: Entry(), count: old.count * 2)
        for entry in old where entry.value != 0 { entries[place(of: entry.term)] = entry }
    }
}
