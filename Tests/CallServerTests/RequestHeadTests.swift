import CallServer
import EventSourcing
import Testing
import WireProtocol

@Suite struct `Heads of requests` {
    private func head(_ kind: MessageKind, version: UInt8) -> RequestHead {
        var header = MessageHeader(kind, requestID: 7)
        header.version = version
        return RequestHead(header.bytes)
    }

    @Test func `Head of a request has its id and its kind`() throws {
        let head = head(.read, version: MessageHeader.version)
        #expect(head.id == 7 && head.kind == .read)
        #expect(try head.checkedKind.get() == .read)
    }

    @Test func `Request of another version is rejected under its own id, unless it is a hello`()
        throws
    {
        let read = head(.read, version: 9)
        #expect(read.id == 7 && read.kind == .read)
        #expect(throws: ProtocolError.otherVersion(9)) { try read.checkedKind.get() }
        #expect(try head(.hello, version: 9).checkedKind.get() == .hello)
    }

    @Test(arguments: [
        nil, [], Array("DB".utf8), MessageHeader(.read, requestID: 7).bytes + [0],
        [0x44, 0x42, 1, 77] + [UInt8](repeating: 7, count: 12),
    ])
    func `Request without a readable header is rejected without an id`(frame: [UInt8]?) {
        let head = RequestHead(frame)
        #expect(head.id == 0 && head.kind == nil)
        let error = #expect(throws: ProtocolError.self) { try head.checkedKind.get() }
        #expect(error?.code == .malformed)
    }
}
