import Bytes

/// The name of a connection at a ROUTER: up to 255 bytes.
///
/// One of up to seven bytes, such as libzmq gives, takes no memory of its own.
public struct PeerName: Hashable, Sendable, ExpressibleByArrayLiteral {
    /// Up to seven bytes, the first one lowest, below their number.
    private var short: UInt64 = 0
    /// The bytes of a longer name.
    private var long: [UInt8]?

    private static let shortSize = 7

    /// Creates a name of these bytes.
    public init(_ bytes: Span<UInt8>) {
        guard bytes.count <= Self.shortSize else {
            long = bytes.array
            return
        }
        short = UInt64(bytes.count) << 56
        for index in bytes.indices { short |= UInt64(bytes[index]) << (8 * index) }
    }

    /// Creates a name of these bytes.
    public init(arrayLiteral bytes: UInt8...) { self.init(bytes.span) }

    /// The name as a frame.
    var frame: Frame {
        if let long { return Frame(long.span) }
        var bytes = InlineArray<7, UInt8>(repeating: 0)
        for index in bytes.indices {
            bytes[index] = UInt8(truncatingIfNeeded: short >> (8 * index))
        }
        return Frame(bytes.span.extracting(first: Int(short >> 56)))
    }
}
