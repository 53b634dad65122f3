import Testing

@testable import Bytes

@Suite struct `CRC-32C checksums` {
    /// RFC 3720, appendix B.4.
    @Test func `Checksum has the values of RFC 3720`() {
        #expect(checksum([UInt8](repeating: 0, count: 32)) == 0x8A91_36AA)
        #expect(checksum([UInt8](repeating: 0xFF, count: 32)) == 0x62A8_AB43)
        #expect(checksum((0..<32).map { UInt8($0) }) == 0x46DD_794E)
        #expect(checksum(Array("123456789".utf8)) == 0xE306_9283)
    }

    @Test func `Checksum can be computed in parts`() {
        let head = checksum(Array("1234".utf8))
        #expect(checksum(Array("56789".utf8), seed: head) == 0xE306_9283)
    }

    @Test func `Checksum is the same with and without the processor's instruction`() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(CRC32C.sliced(bytes.span, seed: 7) == checksum(bytes, seed: 7))
        }
    }

    private func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
        CRC32C.checksum(bytes.span, seed: seed)
    }
}
