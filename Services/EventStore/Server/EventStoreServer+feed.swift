import EventLog
import EventSourcing
import Foundation
import WireProtocol
import ZeroMQ

extension EventStoreServer {
    func serveFeed() async throws {
        while true {
            // A call may have failed to commit while no request came that would notice.
            try log.checkUsable()
            if durability == .interval { try log.flush() }
            reads.forgetIdle()
            topics.forgetClosed()
            startInterval()
            try heartbeat()
            let next = ContinuousClock.now + Feed.heartbeatInterval
            // Also without a message, so that libzmq handles the ends of connections.
            var mayHaveMessage = true
            while ContinuousClock.now < next, mayHaveMessage {
                // A limited number per step, so that a peer that subscribes without end does not
                // block the thread.
                for _ in 0..<100 {
                    guard let message = try feed.receive() else { break }
                    let bytes = message.count + Socket.frameOverhead
                    guard feed.accepts(message.sender, message.descriptor, bytes: bytes) else {
                        continue
                    }
                    let connection = Connection(message.descriptor)
                    // Its connection has ended. Only this process has none.
                    if message.descriptor >= 0, connection == nil { continue }
                    if !topics.note(message.array(), by: connection) {
                        feed.disconnect(message.descriptor)
                    }
                }
                await Task.yield()
                mayHaveMessage = try await feed.readable(until: next)
            }
        }
    }

    private func heartbeat() throws {
        let now = Timestamp(microseconds: Int64(Date.now.timeIntervalSince1970 * 1_000_000))
        let heartbeat = Heartbeat(head: log.head, time: now, log: log.id)
        _ = try feed.send([Array(Feed.heartbeatTopic.utf8), heartbeat.bytes])
    }

    /// How many bytes may wait for subscribers before large records are left out, and from which
    /// size on a record is large.
    private static let (unsentLimit, large) = (8 << 20, 4 << 10)

    /// Publishes the committed records whose topic has a subscription.
    ///
    /// While a subscriber does not read, large records are left out. Subscribers notice at the next
    /// heartbeat, and read them from the log.
    func publish(_ committed: [UInt8]) throws {
        guard !committed.isEmpty else { return }
        onCommit(committed)
        guard !topics.isEmpty else { return }
        let records = committed.span
        var at = 0
        let isBehind = unsentToFeed.bytes > Self.unsentLimit
        var hasGap = false
        while at < records.count, let header = RecordHeader(records.extracting(at..<records.count))
        {
            let record = records.extracting(at..<at + header.length)
            at += header.length
            let topic = FeedTopics.topic(of: record, header)
            guard topics.isSubscribed(to: topic) else { continue }
            guard !isBehind || record.count < Self.large else {
                hasGap = true
                continue
            }
            _ = try feed.send(Frame(topic), more: true)
            _ = try feed.send(Frame(record, countedBy: feedOutbox))
        }
        if hasGap { try heartbeat() }
    }
}
