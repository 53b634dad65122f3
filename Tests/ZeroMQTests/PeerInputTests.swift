import Foundation
import TestSupport
import Testing

@testable import ZeroMQ

extension PeerInput {
    /// Macros take no spans.
    func takes(_ bytes: [UInt8]) -> Bool { take(bytes.span) }
}

@Suite struct `Input of peers` {
    private let listener = ListenerInput()

    private func peer(_ limits: InputLimits) -> PeerInput {
        let peer = PeerInput(listener)
        peer.apply(limits)
        #expect(peer.takes(Wire().bytes))
        return peer
    }

    private func bytes(_ write: (inout Wire) -> Void) -> [UInt8] {
        var wire = Wire()
        wire.bytes = []
        write(&wire)
        return wire.bytes
    }

    /// Returns whether the peer may send a frame.
    private func send(
        _ count: Int, _ peer: PeerInput, more: Bool = false, first: UInt8 = 9
    ) -> Bool {
        let body = [first] + [UInt8](repeating: 0, count: count - 1)
        return peer.takes(bytes { $0.add(body, more: more) })
    }

    @Test func `Message of too many frames ends the connection`() {
        let peer = peer(InputLimits())
        for _ in 1...15 { #expect(send(2, peer, more: true)) }
        #expect(!send(2, peer, more: true))
        #expect(!send(2, peer))
        #expect(peer.takeRefusal() == "a message has too many frames")
        #expect(peer.takeRefusal() == nil)
    }

    @Test func `Message of too many bytes ends the connection before its end`() {
        let peer = peer(InputLimits(messageBytes: 1000))
        #expect(send(500, peer, more: true) && send(300, peer))
        #expect(send(500, peer, more: true))
        let part = bytes { $0.add([UInt8](repeating: 9, count: 900)) }
        #expect(peer.takes(Array(part[..<300])))
        #expect(!peer.takes(Array(part[300...])))
    }

    @Test func `Whole messages that wait are limited for all, and each has its share`() {
        let limits = InputLimits(unhandledBytes: 1 << 20)
        let (large, small) = (peer(limits), peer(limits))
        for _ in 0..<10 { #expect(send(100_000, large)) }
        #expect(send(10_000, small))
        // All have more than they may, but the small one has less than its share.
        #expect(send(50_000, small))
        #expect(!send(1_000, large))
        #expect(send(50_000, small))
        #expect(!small.isBlocking)
    }

    /// Makes connections of one listening socket that have 1 MiB together.
    private func withPeers(_ count: Int, _ body: ([PeerInput]) throws -> Void) throws {
        let inputs = PeerInputs.shared
        let listener = unusedListener()
        let descriptors = try (0..<count).map { _ in try #require(Optional(dup(2))) }
        defer {
            for descriptor in descriptors {
                inputs.closing(descriptor)
                _ = close(descriptor)
            }
        }
        let peers = try descriptors.map { descriptor in
            inputs.accepted(descriptor, by: listener)
            let peer = try #require(inputs[descriptor])
            peer.apply(InputLimits(unhandledBytes: 1 << 20))
            return peer
        }
        try body(peers)
    }

    @Test func `Connection whose message has been unfinished for the longest makes room`() throws {
        try withPeers(4) { peers in
            for peer in peers { #expect(peer.takes(Wire().bytes)) }
            #expect(send(3_000, peers[0], more: true))
            for peer in peers[1...2] { #expect(send(400_000, peer, more: true)) }
            // It drips, which keeps it no longer.
            #expect(send(1, peers[1], more: true))
            #expect(send(600_000, peers[3], more: true))
            #expect(peers.map(\.isRefused) == [false, true, false, false])
            #expect(send(300_000, peers[3]))
            #expect(peers.map(\.isRefused) == [false, true, true, false])
            #expect(peers[1].takeRefusal() == "too many unprocessed bytes")
        }
    }

    @Test func `Connection whose encrypted frames wait for the longest makes room`() throws {
        try withPeers(3) { peers in
            for peer in peers { #expect(peer.takes(Wire(mechanism: "CURVE").bytes)) }
            // The process handles what the first one sends. The second one's message has no end.
            for peer in peers[..<2] { #expect(send(300_000, peer)) }
            peers[0].handled(1_000)
            #expect(send(1, peers[1]))
            #expect(send(600_000, peers[2]))
            #expect(peers.map(\.isRefused) == [false, true, false])
        }
    }

    @Test func `Connection with less than its part is kept, however old its message is`() throws {
        try withPeers(3) { peers in
            for peer in peers { #expect(peer.takes(Wire().bytes)) }
            #expect(send(100_000, peers[0], more: true))
            #expect(send(900_000, peers[1], more: true))
            #expect(!peers[0].isBlocking && peers[1].isBlocking)
            #expect(send(100_000, peers[2], more: true))
            #expect(peers.map(\.isRefused) == [false, true, false])
        }
    }

    @Test func `Handled messages make room for others`() {
        let peer = peer(InputLimits(unhandledBytes: 1 << 20))
        for _ in 0..<100 {
            #expect(send(900_000, peer))
            #expect(peer.isBlocking)
            peer.handled(900_064)
        }
        #expect(!peer.isBlocking)
    }

    @Test func `Bytes of a connection no longer count after its end`() {
        let limits = InputLimits(unhandledBytes: 1 << 20)
        var first: PeerInput? = peer(limits)
        #expect(first.map { send(1_000_000, $0) } == true)
        first = nil
        let next = peer(limits)
        for _ in 0..<2 { #expect(send(500_000, next)) }
    }

    @Test func `Topics are limited for a connection and for all`() {
        var limits = InputLimits()
        limits.topics = .init(count: 3, bytes: 100, bytesOfAll: 150, bytesAlways: 20)
        let (first, second, third) = (peer(limits), peer(limits), peer(limits))
        #expect(send(61, first, first: 1) && send(31, first, first: 1))
        #expect(send(61, first, first: 0) && send(51, first, first: 1))
        #expect(send(11, second, first: 1) && send(11, second, first: 1))
        #expect(send(11, second, first: 1))
        #expect(!send(2, second, first: 1))
        #expect(second.takeRefusal() == "too many topics")
        for _ in 1...2 { limits.topics?.total.settle() }
        #expect(send(61, third, first: 1))
        // All have 140 bytes.
        #expect(!send(31, first, first: 1))
    }

    @Test func `Topics of a connection count until libzmq has removed them after its end`() {
        var limits = InputLimits()
        limits.topics = .init(count: 256, bytes: 1000, bytesOfAll: 150, bytesAlways: 20)
        let first = peer(limits)
        #expect(send(101, first, first: 1))
        first.refuse(because: "test")
        // Each of these would need 50 bytes beside the 100.
        for _ in 1...2 {
            #expect(!send(61, peer(limits), first: 1))
            limits.topics?.total.settle()
        }
        limits.topics?.total.settle()
        #expect(send(61, peer(limits), first: 1))
    }

    @Test func `Subscriber may send nothing but subscriptions`() {
        var limits = InputLimits()
        limits.topics = .init()
        let (sound, odd, long) = (peer(limits), peer(limits), peer(limits))
        #expect(send(10, sound, first: 1) && send(10, sound, first: 0))
        #expect(!send(10, odd, first: 2))
        #expect(odd.takeRefusal() == "a message is no subscription")
        #expect(!send(10, long, more: true, first: 1))
    }

    @Test func `Topics of a subscriber that encrypts them are limited, too`() {
        var limits = InputLimits()
        limits.topics = .init()
        limits.topics?.count = 3
        let subscriber = PeerInput(listener)
        subscriber.apply(limits)
        #expect(subscriber.takes(Wire(mechanism: "CURVE").bytes))
        for _ in 1...3 { #expect(send(100, subscriber)) }
        #expect(!send(100, subscriber))
    }

    @Test func `Commands without a pause end the connection`() {
        let peer = peer(InputLimits())
        let ping = bytes { $0.add(command: "PING", "12") }
        // The limit is for a second, and this may take longer.
        for _ in 0..<100_000 where !peer.isRefused { _ = peer.takes(ping) }
        #expect(peer.takeRefusal() == "too many commands")
    }
}

@Suite struct `Inputs by descriptor` {
    @Test func `Descriptor that was closed belongs to no peer, until a listener accepts again`() {
        let inputs = PeerInputs()
        inputs.accepted(5, by: 4)
        let first = inputs[5]
        #expect(first != nil && inputs[6] == nil)
        inputs.closing(5)
        #expect(inputs[5] == nil)
        inputs.accepted(5, by: 4)
        #expect(inputs[5] != nil && inputs[5] !== first)
    }
}

@Suite(.timeLimit(.minutes(10))) struct `Sockets with hostile peers` {
    private let loop = SocketLoop(name: "test")
    private let path = NSTemporaryDirectory() + "daybook-\(UUID().uuidString.prefix(8)).sock"

    /// Connects to the server and sends `bytes` again and again until it is disconnected.
    private func flood(_ bytes: [UInt8]) {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { _ = close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = UInt16(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) {
            unsafe $0.copyBytes(from: path.utf8)
        }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let result = unsafe withUnsafePointer(to: address) {
            unsafe $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe connect(descriptor, $0, size)
            }
        }
        guard result == 0 else { return }
        var isFirst = true
        while true {
            let part = isFirst ? Wire().bytes + bytes : bytes
            isFirst = false
            guard unsafe send(descriptor, part, part.count, Int32(MSG_NOSIGNAL)) >= 0 else {
                return
            }
        }
    }

    @Test func `Server ends floods of unfinished messages and hears others`() async throws {
        #expect(PeerInputs.areFollowed)
        let server = try await Endpoint(.router, bind: "ipc://\(path)", on: loop, in: Context())
        let client = try await Endpoint(.dealer, connect: "ipc://\(path)", on: loop, in: Context())
        var frames = Wire()
        frames.add(command: "READY", "\u{B}Socket-Type\u{0}\u{0}\u{0}\u{6}DEALER")
        frames.bytes.removeFirst(64)
        for _ in 0..<100 { frames.add([1, 2], more: true) }
        let flood = Task.detached { [frames] in for _ in 0..<20 { self.flood(frames.bytes) } }
        for number in 0..<50 as Range<UInt8> {
            #expect(try await client.send([[number]]))
            #expect(try await server.request()?.frames.last == [number])
        }
        await flood.value
    }
}
