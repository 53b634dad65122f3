import EventSourcing
import Testing
import WireProtocol

@Suite struct `Message headers` {
    @Test func `Message header decodes to what was encoded`() throws {
        for kind in [MessageKind.hello, .append, .read, .credit, .cancel, .call, .error] {
            let header = MessageHeader(kind, requestID: 0x0102_0304_0506_0708)
            #expect(header.bytes.count == MessageHeader.size)
            #expect(try MessageHeader(header.bytes.span) == header)
        }
    }

    @Test(arguments: [
        [], Array("DB".utf8), [UInt8](repeating: 0, count: 16),
        MessageHeader(.read, requestID: 1).bytes + [0],
        [0x44, 0x42, 1, 77] + [UInt8](repeating: 0, count: 12),
    ])
    func `Malformed message header is rejected`(bytes: [UInt8]) {
        #expect(throws: ProtocolError.self) { try MessageHeader(bytes.span) }
    }
}
