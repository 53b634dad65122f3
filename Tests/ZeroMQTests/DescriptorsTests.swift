import Testing

@testable import ZeroMQ

@Suite struct `Descriptors of connections` {
    // Otherwise a lack of descriptors ends the process.
    @Test func `Connections to libzmq's sockets are accepted by this module`() {
        #expect(Descriptors.areReserved)
    }
}
