import TestSupport
import Testing
import WireProtocol
import ZeroMQ

/// The faults of a feed: how many of ten messages are dropped, repeated or reordered.
struct FeedFaults: Sendable, CustomTestStringConvertible {
    var dropped = 0
    var repeated = 0
    var reordered = 0
    var seed: UInt64 = 1

    var testDescription: String {
        "\(dropped) dropped, \(repeated) repeated, \(reordered) reordered, seed \(seed)"
    }
}

/// A feed between a store and its subscribers that drops, repeats and reorders messages.
actor Meddler {
    private let from: Socket
    private let to: Socket
    private let loop: SocketLoop
    private let faults: FeedFaults
    private var random: SplitMix
    private var heldBack: [[[UInt8]]] = []

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        from source: String, to endpoint: String, faults: FeedFaults, on loop: SocketLoop,
        in context: Context
    ) async throws {
        self.loop = loop
        self.faults = faults
        random = SplitMix(state: faults.seed)
        from = try Socket(.sub, on: loop, in: context)
        try from.subscribe("")
        try from.connect(source, to: "event-store")
        to = try Socket(.xpub, on: loop, in: context)
        try to.bind(endpoint)
    }

    func run() async throws {
        while true {
            while let message = try from.receiveMessage() { try pass(message) }
            _ = try await from.readable()
        }
    }

    private func pass(_ message: [[UInt8]]) throws {
        switch Int.random(in: 0..<10, using: &random) {
        case ..<faults.dropped: break
        case ..<(faults.dropped + faults.repeated):
            _ = try to.send(message)
            _ = try to.send(message)
        case ..<(faults.dropped + faults.repeated + faults.reordered): heldBack.append(message)
        default: _ = try to.send(message)
        }
        if !heldBack.isEmpty, Bool.random(using: &random) {
            let index = Int.random(in: heldBack.indices, using: &random)
            _ = try to.send(heldBack.remove(at: index))
        }
    }
}

/// A proxy between one client and the store that records the messages and can lose answers.
actor RequestProxy {
    private let client: Socket
    private let store: Socket
    private let loop: SocketLoop
    private var peer: [UInt8] = []
    private var lost: [MessageKind] = []
    private var waiters: [(MessageKind, Int, CheckedContinuation<Void, Never>)] = []
    private(set) var messages: [MessageKind: [[[UInt8]]]] = [:]

    nonisolated var unownedExecutor: UnownedSerialExecutor {
        unsafe loop.asUnownedSerialExecutor()
    }

    init(
        from endpoint: String, to source: String, on loop: SocketLoop, in context: Context
    ) async throws {
        self.loop = loop
        client = try Socket(.router, on: loop, in: context)
        try client.bind(endpoint)
        store = try Socket(.dealer, on: loop, in: context)
        try store.connect(source, to: "event-store")
    }

    /// Loses the next answer of this kind.
    func lose(_ kind: MessageKind) { lost.append(kind) }

    func count(of kind: MessageKind) -> Int { messages[kind]?.count ?? 0 }

    /// Returns when `count` messages of this kind have passed.
    func wait(for count: Int, of kind: MessageKind) async {
        await withCheckedContinuation { continuation in
            if self.count(of: kind) >= count {
                continuation.resume()
            } else {
                waiters.append((kind, count, continuation))
            }
        }
    }

    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.passRequests() }
            group.addTask { try await self.passAnswers() }
            try await group.waitForAll()
        }
    }

    private func passRequests() async throws {
        while true {
            while let message = try client.receiveMessage() {
                peer = message[0]
                let request = Array(message.dropFirst())
                try note(request)
                _ = try store.send(request)
            }
            _ = try await client.readable()
        }
    }

    private func passAnswers() async throws {
        while true {
            while let answer = try store.receiveMessage() {
                let kind = try note(answer)
                if let index = lost.firstIndex(of: kind) {
                    lost.remove(at: index)
                } else {
                    _ = try client.send([peer] + answer)
                }
            }
            _ = try await store.readable()
        }
    }

    @discardableResult
    private func note(_ message: [[UInt8]]) throws -> MessageKind {
        let first = message[0]
        let kind = try MessageHeader(first.span).kind
        messages[kind, default: []].append(message)
        waiters.removeAll { waited, count, continuation in
            guard waited == kind, self.count(of: kind) >= count else { return false }
            continuation.resume()
            return true
        }
        return kind
    }
}
