import Testing

@testable import ZeroMQ

@Suite struct `Names of peers` {
    /// Names of 0 to 20 bytes that differ in one byte or in their length.
    private static let names: [[UInt8]] =
        [[]]
        + (1...20).flatMap { count in
            let zeros = [UInt8](repeating: 0, count: count)
            return [zeros]
                + zeros.indices.map { index in
                    var name = zeros
                    name[index] = .max
                    return name
                }
        }

    @Test func `Names are equal if their bytes are`() {
        #expect(Set(Self.names.map { PeerName($0.span) }).count == Self.names.count)
        for name in Self.names { #expect(PeerName(name.span) == PeerName(name.span)) }
    }

    @Test func `Name travels as its bytes`() {
        for name in Self.names { #expect(PeerName(name.span).frame.array() == name) }
    }
}
