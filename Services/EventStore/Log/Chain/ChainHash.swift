public import Bytes
import Crypto
import EventSourcing

/// A SHA-256 hash of the log up to an event. It depends on every byte of every event up to there.
public struct ChainHash: Hashable, Sendable, HeaderField {
    static let size = 32

    /// The bytes, eight to a word, big-endian. Not a SIMD vector of four: the frame of an async
    /// function does not give its alignment of 32 bytes.
    private let first, second, third, fourth: UInt64

    /// Reads the 32 bytes at `offset`.
    init(_ bytes: Span<UInt8>, at offset: Int) {
        first = bytes.uint64(at: offset).byteSwapped
        second = bytes.uint64(at: offset + 8).byteSwapped
        third = bytes.uint64(at: offset + 16).byteSwapped
        fourth = bytes.uint64(at: offset + 24).byteSwapped
    }

    /// Computes the hash of `message`.
    init(of message: Span<UInt8>) {
        var function = SHA256()
        unsafe message.withUnsafeBytes { unsafe function.update(bufferPointer: $0) }
        let digest = Array(function.finalize())
        self.init(digest.span, at: 0)
    }

    /// Appends the 32 bytes of the hash.
    public func append(to bytes: inout [UInt8]) {
        for word in [first, second, third, fourth] {
            bytes.append(littleEndian: word.byteSwapped)
        }
    }

    /// The first eight bytes, which the chain's file keeps for each record.
    var link: UInt64 { first }
}

extension ChainHash: LosslessStringConvertible {
    /// Parses 64 hexadecimal digits in either case. Nil for any other text.
    public init?(_ text: String) {
        let digits = text.utf8.compactMap(Hex.value)
        guard digits.count == 64, text.utf8.count == 64 else { return nil }
        let bytes = stride(from: 0, to: 64, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
        self.init(bytes.span, at: 0)
    }

    /// The hash as 64 lowercase hexadecimal digits.
    public var description: String {
        [first, second, third, fourth].map(\.hexadecimal).joined()
    }
}

/// A point of the log's hash chain: a position, and the hash of the log up to it.
public struct ChainPoint: Hashable, Sendable {
    /// The position of the last event in the hash; 0 at the start of the log.
    public let position: UInt64
    /// The hash of the log up to the position.
    public let hash: ChainHash

    /// Creates a point from a position and the hash at it.
    public init(position: UInt64, hash: ChainHash) {
        self.position = position
        self.hash = hash
    }

    /// Creates the first point of the chain of the log with this identity.
    init(startOf log: EventID) {
        var message = Array("daybook chain 1".utf8)
        log.append(to: &message)
        self.init(position: 0, hash: ChainHash(of: message.span))
    }
}

extension ChainPoint: LosslessStringConvertible {
    /// Parses `<position>:<hash>`. Nil for any other text.
    public init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count == 2, let position = UInt64(parts[0]),
            let hash = ChainHash(String(parts[1]))
        else { return nil }
        self.init(position: position, hash: hash)
    }

    /// The point as `<position>:<hash>`.
    public var description: String { "\(position):\(hash)" }
}
