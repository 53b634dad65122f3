import EventLog
import EventSourcing
import Foundation
import WireProtocol
import ZeroMQ

extension EventStoreServer {
    func serveFeed() async throws {
        var revocations = access.revocations
        while true {
            if access.revocations != revocations {
                revocations = access.revocations
                reads.endAll(of: { [access] in access.caller($0.sender) != $0.caller })
                try await renewFeed()
            }
            if durability == .interval { try log.flush() }
            reads.forgetIdle()
            try heartbeat()
            let next = ContinuousClock.now + Feed.heartbeatInterval
            while ContinuousClock.now < next, try await feed.readable(until: next) {
                // In turns: who subscribes without end holds up nobody.
                for _ in 0..<100 {
                    guard let message = try feed.receiveMessage() else { break }
                    topics.note(message[0])
                }
            }
        }
    }

    /// Lets nobody go on listening who would not be let in now: an XPUB does not know its peers
    /// apart, so all of them have to come anew. What they miss meanwhile they find in the log.
    private func renewFeed() async throws {
        // Over ipc there are no keys, and what listens there has none to lose.
        guard boundFeed.hasPrefix("tcp://") else { return }
        topics = FeedTopics()
        feed = try Socket(.xpub, on: loop, in: context, options: Self.options)
        let deadline = ContinuousClock.now + .seconds(10)
        while true {
            do {
                return try feed.bind(boundFeed, door: Feed.door)
            } catch ZeroMQError.addressInUse where ContinuousClock.now < deadline {
                // The old socket is closed by a thread of libzmq's, which tells nobody when.
                try await Task.sleep(for: .milliseconds(5))
            }
        }
    }

    private func heartbeat() throws {
        let now = Timestamp(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000))
        let heartbeat = Heartbeat(head: log.head, time: now, log: log.id)
        _ = try feed.send([Array(Feed.heartbeatTopic.utf8), heartbeat.bytes])
    }

    /// Publishes the committed records that somebody subscribes to.
    func publish(_ committed: [UInt8]) throws {
        guard !committed.isEmpty, !topics.isEmpty else { return }
        let records = committed.span
        var at = 0
        while at < records.count, let header = RecordHeader(records.extracting(at..<records.count))
        {
            let record = records.extracting(at..<at + header.length)
            at += header.length
            let topic = FeedTopics.topic(of: record, header)
            guard topics.want(topic) else { continue }
            _ = try feed.send(Frame(topic), more: true)
            _ = try feed.send(Frame(record))
        }
    }
}
