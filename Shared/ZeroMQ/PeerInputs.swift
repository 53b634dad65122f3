internal import CZeroMQ
import Foundation
import Synchronization

/// The input of the connections that libzmq has accepted in this process, by descriptor.
final class PeerInputs: Sendable {
    static let shared = PeerInputs()

    private struct State {
        var peers: [Int32: PeerInput] = [:]
        var listeners: [Int32: ListenerInput] = [:]
    }

    private let state = Mutex(State())

    subscript(descriptor: Int32) -> PeerInput? { state.withLock { $0.peers[descriptor] } }

    /// Records that a listening socket has accepted a connection.
    func accepted(_ descriptor: Int32, by listener: Int32) {
        state.withLock { state in
            let input = state.listeners[listener] ?? ListenerInput()
            state.listeners[listener] = input
            state.peers[descriptor] = PeerInput(input)
        }
    }

    /// Ends the connection whose message has been unfinished for the longest. Returns its input, or
    /// nil if no end of a connection would make room.
    func endOldest(of listener: ListenerInput) -> PeerInput? {
        state.withLock { state in
            var oldest: (since: Int64, descriptor: Int32, input: PeerInput)?
            for (descriptor, input) in state.peers {
                guard let since = input.unfinishedSince(at: listener),
                    since < oldest?.since ?? .max
                else { continue }
                oldest = (since, descriptor, input)
            }
            guard let oldest else { return nil }
            oldest.input.end()
            // It can't be another connection's by now: libzmq closes it only under this lock.
            Descriptors.shutDown(oldest.descriptor)
            return oldest.input
        }
    }

    /// Records that a descriptor is about to be closed, so that it may belong to another socket.
    func closing(_ descriptor: Int32) {
        state.withLock { state in
            state.peers[descriptor] = nil
            state.listeners[descriptor] = nil
        }
    }

    /// Whether libzmq receives and closes by the functions below.
    static let areFollowed =
        unsafe zmq_replace_import(
            "recv", unsafeBitCast(receive, to: UnsafeMutableRawPointer.self)) == 1
        && zmq_replace_import("close", unsafeBitCast(end, to: UnsafeMutableRawPointer.self)) == 1

    private typealias Receive =
        @convention(c) (Int32, UnsafeMutableRawPointer?, Int, Int32) -> Int

    /// Closes a descriptor as `close` does.
    private static let end: @convention(c) (Int32) -> Int32 = { descriptor in
        shared.closing(descriptor)
        return close(descriptor)
    }

    /// Receives as `recv` does. Bytes that libzmq must not get are the end of the connection.
    private static let receive: Receive = { descriptor, buffer, count, flags in
        let received = unsafe recv(descriptor, buffer, count, flags)
        guard received > 0, let buffer = unsafe buffer, let input = shared[descriptor] else {
            return received
        }
        // Safe, because `recv` has written this many bytes there.
        let bytes = unsafe UnsafeRawBufferPointer(start: buffer, count: received)
        return unsafe input.take(bytes.bindMemory(to: UInt8.self).span) ? received : 0
    }
}
