import Bytes
internal import Synchronization

/// The id of an event, a correlation or a cause: a UUID (RFC 9562) as two words.
///
/// The producer chooses an event's id before the append. The store appends an id only once, which
/// makes a repeated append harmless.
public struct EventID: Hashable, Sendable {
    /// Octets 0 to 7, big-endian.
    public let high: UInt64
    /// Octets 8 to 15, big-endian.
    public let low: UInt64

    /// Creates the id of these octets.
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Creates the id of these octets, except for the bits of the version and the variant.
    init(version: UInt64, high: UInt64, low: UInt64) {
        self.init(high: high & ~0xF000 | version << 12, low: low & ~(0b11 << 62) | 0b10 << 62)
    }

    /// All zeros: the causation id of an event without a cause in the log.
    public static let none = EventID(high: 0, low: 0)

    /// Returns a random id (UUID version 4) from the generator.
    public static func random(using generator: inout some RandomNumberGenerator) -> EventID {
        EventID(version: 4, high: generator.next(), low: generator.next())
    }

    /// Returns a random id (UUID version 4). It is not unpredictable enough for a secret.
    public static func random() -> EventID {
        generator.withLock { random(using: &$0) }
    }

    private static let generator = Mutex(Xoshiro(seededBy: SystemRandomNumberGenerator()))
}

/// The generator xoshiro256** (David Blackman and Sebastiano Vigna, "Scrambled Linear Pseudorandom
/// Number Generators", 2021).
///
/// The system's own generator costs a system call for each number.
struct Xoshiro: RandomNumberGenerator {
    private var state: (UInt64, UInt64, UInt64, UInt64)

    init(seededBy seeds: some RandomNumberGenerator) {
        var seeds = seeds
        // One bit is set, because the generator never leaves the state of all zeros.
        state = (seeds.next() | 1, seeds.next(), seeds.next(), seeds.next())
    }

    mutating func next() -> UInt64 {
        func rotated(_ word: UInt64, by bits: UInt64) -> UInt64 {
            word << bits | word >> (64 - bits)
        }
        let result = rotated(state.1 &* 5, by: 7) &* 9
        let shifted = state.1 << 17
        state.2 ^= state.0
        state.3 ^= state.1
        state.1 ^= state.2
        state.0 ^= state.3
        state.2 ^= shifted
        state.3 = rotated(state.3, by: 45)
        return result
    }
}

extension EventID: Comparable {
    /// Returns whether `a` is before `b` in the order of their octets.
    public static func < (a: EventID, b: EventID) -> Bool { (a.high, a.low) < (b.high, b.low) }
}

extension EventID: LosslessStringConvertible {
    /// Parses the canonical form in either case, `123e4567-e89b-12d3-a456-426614174000`, or returns
    /// nil.
    public init?(_ text: String) {
        var words: (UInt64, UInt64) = (0, 0)
        var digits = 0
        for (index, byte) in text.utf8.enumerated() {
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Hex.value(byte), digits < 32 else { return nil }
            if digits < 16 {
                words.0 = words.0 << 4 | UInt64(digit)
            } else {
                words.1 = words.1 << 4 | UInt64(digit)
            }
            digits += 1
        }
        guard digits == 32, text.utf8.count == 36 else { return nil }
        self.init(high: words.0, low: words.1)
    }

    /// The canonical form in lower case.
    public var description: String {
        let digits: StaticString = "0123456789abcdef"
        return unsafe String(unsafeUninitializedCapacity: 36) { text in
            var at = 0
            for nibble in 0..<32 {
                if nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20 {
                    unsafe text[at] = UInt8(ascii: "-")
                    at += 1
                }
                let word = nibble < 16 ? high : low
                let value = Int(word >> (60 - UInt64(nibble % 16) * 4) & 0xF)
                unsafe text[at] = unsafe digits.utf8Start[value]
                at += 1
            }
            return at
        }
    }
}

extension EventID: Codable {
    /// Reads the id from its canonical form.
    ///
    /// - Throws: `DecodingError` for other text.
    public init(from decoder: any Decoder) throws {
        self = try decoder.text(EventID.init(_:), "a UUID")
    }

    /// Writes the canonical form.
    public func encode(to encoder: any Encoder) throws { try description.encode(to: encoder) }
}
