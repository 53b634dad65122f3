import Bytes
import EventSourcing

/// A set of byte strings, numbered from 0 in the order in which they were added.
///
/// It is a hash table with open addressing, which finds a string without a copy of it. Each string
/// belongs to a scope, a number: the same bytes in two scopes are two strings.
struct ByteSet: Sendable {
    private struct Entry {
        var hash: UInt64
        var scope: Int32
        var range: Range<Int>
    }

    private var entries: [Entry] = []
    /// All strings, one after the other.
    private var text: [UInt8] = []
    /// Indexes of entries plus one, or 0 for a free slot. Their number is a power of two, and at
    /// most half are used.
    private var slots: [Int32] = Array(repeating: 0, count: 4)

    init(_ strings: [[UInt8]] = []) {
        for string in strings { insert(string) }
    }

    var count: Int { entries.count }
    var strings: [[UInt8]] { entries.map { Array(text[$0.range]) } }

    func index(of bytes: Span<UInt8>, scope: Int32 = 0) -> Int? {
        let hash = Hash.of(bytes, seed: UInt64(truncatingIfNeeded: scope))
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot] - 1)
            let entry = entries[index]
            if entry.hash == hash, entry.scope == scope, entry.range.count == bytes.count,
                text.span.extracting(entry.range).holds(bytes, at: 0)
            {
                return index
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        return nil
    }

    /// Adds `bytes` unless the set has them, and returns their number.
    @discardableResult
    mutating func insert(_ bytes: [UInt8], scope: Int32 = 0) -> Int {
        if let index = index(of: bytes.span, scope: scope) { return index }
        let start = text.count
        text += bytes
        let hash = Hash.of(bytes.span, seed: UInt64(truncatingIfNeeded: scope))
        entries.append(Entry(hash: hash, scope: scope, range: start..<text.count))
        if entries.count * 2 > slots.count {
            slots = Array(repeating: 0, count: slots.count * 2)
            for index in entries.indices { place(index) }
        } else {
            place(entries.count - 1)
        }
        return entries.count - 1
    }

    private mutating func place(_ index: Int) {
        var slot = Int(truncatingIfNeeded: entries[index].hash) & (slots.count - 1)
        while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
        slots[slot] = Int32(index + 1)
    }
}

/// A hash function for byte strings.
enum Hash {
    /// Returns the hash of `bytes`.
    ///
    /// It mixes in eight bytes per step by a multiplication whose halves are folded together, as in
    /// Wang Yi's wyhash.
    static func of(_ bytes: Span<UInt8>, seed: UInt64) -> UInt64 {
        var hash = mix(seed ^ UInt64(bytes.count), 0x9E37_79B9_7F4A_7C15)
        var at = 0
        while at + 8 <= bytes.count {
            hash = mix(hash ^ bytes.uint64(at: at), 0xA076_1D64_78BD_642F)
            at += 8
        }
        var tail: UInt64 = 0
        while at < bytes.count {
            tail = tail << 8 | UInt64(bytes[at])
            at += 1
        }
        return mix(hash ^ tail, 0xE703_7ED1_A0B4_28DB)
    }

    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let (high, low) = (a ^ 0x2D35_8DCC_AA6C_78A5).multipliedFullWidth(by: b)
        return high ^ low
    }
}

extension Span<UInt8> {
    func elementsEqual(_ other: [UInt8]) -> Bool { count == other.count && holds(other, at: 0) }

    /// Returns whether `other` is here at `start`.
    func holds(_ other: [UInt8], at start: Int) -> Bool { holds(other.span, at: start) }

    func holds(_ other: Span<UInt8>, at start: Int) -> Bool {
        guard start >= 0, start + other.count <= count else { return false }
        var at = 0
        while at + 8 <= other.count {
            guard uint64(at: start + at) == other.uint64(at: at) else { return false }
            at += 8
        }
        while at < other.count {
            guard self[start + at] == other[at] else { return false }
            at += 1
        }
        return true
    }
}
