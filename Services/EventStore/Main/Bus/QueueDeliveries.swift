import ArgumentParser
import CloudEvents
import CommandLine
import EventSourcing
import EventStoreClient
import Foundation
import JSON
import WireProtocol

extension Queues {
    struct Receive: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Take deliveries of a queue, and print them with their receipts.",
            discussion: """
                Each is to be settled with its receipt, by ack or nack, before its visibility \
                timeout has passed; then it is delivered again.
                """)

        @OptionGroup var options: CallOptions
        @Argument(help: "The queue.", completion: .custom(BusNames.queues)) var name: String
        @Option(help: "At most so many.") var max = 1
        @Option(help: "Wait for so long for the first.") var wait = Seconds(0)
        @Option(help: "They can't be seen by others for so long; the queue's own, if not given.")
        var visibilityTimeout: Seconds?

        func validate() throws {
            guard (1...ReceiveRequest.maximumCount).contains(max) else {
                throw ValidationError("--max is 1 to \(ReceiveRequest.maximumCount), not \(max)")
            }
        }

        func run() async throws {
            try await options.withConsumer(of: name) { consumer, welcome in
                let deliveries = try await deliveries(consumer)
                if options.json {
                    for delivery in deliveries {
                        try printJSON(
                            DeliveryLine(delivery), event: delivery.event, of: welcome.log)
                    }
                } else {
                    Self.table(deliveries)
                }
            }
        }

        /// A call to the bus waits for a second at most: as many as it takes.
        private func deliveries(_ consumer: QueueConsumer) async throws -> [Delivery] {
            let deadline = ContinuousClock.now + wait.duration
            while true {
                let left = deadline - .now
                let found = try await consumer.receive(
                    max, visibilityTimeout: visibilityTimeout?.duration,
                    wait: Swift.max(.zero, min(left, .seconds(ReceiveRequest.maximumWait))),
                    timeout: options.patience)
                if !found.isEmpty || left <= .zero { return found }
            }
        }

        private static func table(_ deliveries: [Delivery]) {
            Output.table(
                ["receipt", "position", "stream", "type", "received", "rule", "data"],
                deliveries.map { delivery in
                    [
                        "\(Receipt(delivery))", "\(delivery.event.position)",
                        "\(delivery.event.stream)", delivery.event.type,
                        "\(delivery.receiveCount)", delivery.rule,
                        EventPrinter.data(of: delivery.event),
                    ]
                })
        }
    }

    struct Ack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say that deliveries are done with.")

        @OptionGroup var settling: SettleOptions

        func run() async throws { try await settling.settle("acknowledged", .done) }
    }

    struct Nack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give deliveries back to be delivered again, up to the queue's limits.")

        @OptionGroup var settling: SettleOptions
        @Option(help: "What went wrong.") var error = ""
        @Option(help: "After so long; as the queue's back-off says, if not given.")
        var delay: Seconds?

        func run() async throws {
            try await settling.settle("given back", .failed(error: error, delay: delay?.duration))
        }
    }

    struct Extend: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Keep deliveries for longer.")

        @OptionGroup var settling: SettleOptions
        @Option(help: "For so long from now.") var by: Seconds

        func run() async throws { try await settling.settle("extended", .extended(by.duration)) }
    }
}

/// Deliveries of a queue that are to be settled.
struct SettleOptions: ParsableArguments {
    @OptionGroup var options: CallOptions
    @Argument(help: "The queue.", completion: .custom(BusNames.queues)) var name: String
    @Argument(help: "What 'receive' printed: <sequence>:<lease>.") var receipts: [Receipt]

    /// Settles all of them alike, and says of each whether it took effect.
    ///
    /// - Throws: `DaybookError` if one did not.
    func settle(_ done: String, _ verdict: Settlement.Verdict) async throws {
        struct Line: Encodable {
            var receipt: String
            var tookEffect: Bool
        }
        let settlements = receipts.map {
            Settlement(sequence: $0.sequence, lease: $0.lease, verdict)
        }
        let took = try await options.withConsumer(of: name) { consumer, _ in
            try await consumer.settle(settlements, timeout: options.patience)
        }
        for (receipt, tookEffect) in zip(receipts, took) {
            if options.json {
                try Output.json(Line(receipt: "\(receipt)", tookEffect: tookEffect))
            } else if tookEffect {
                print("\(done) \(receipt)")
            }
        }
        let late = zip(receipts, took).filter { !$1 }.map { "\($0.0)" }
        guard late.isEmpty else {
            throw DaybookError(
                .invalid, "too late for \(late.joined(separator: ", ")): settled before, or its time is over")
        }
    }
}

/// What stands beside the event in the JSON of a delivery.
struct DeliveryLine: Encodable {
    var receipt: String
    var rule: String
    var replay: String?
    var receiveCount: Int
    var enqueuedAt: Timestamp
    var firstReceivedAt: Timestamp

    init(_ delivery: Delivery) {
        receipt = "\(Receipt(delivery))"
        rule = delivery.rule
        replay = delivery.replay
        receiveCount = delivery.receiveCount
        enqueuedAt = delivery.enqueuedAt
        firstReceivedAt = delivery.firstReceivedAt
    }
}

/// Prints the members of `head` and, as `event`, the event's CloudEvent, to the byte.
func printJSON(_ head: some Encodable, event: RecordedEvent, of log: EventID) throws {
    var line = Array(try JSON.data(head).dropLast())
    line += Array(#","event":"#.utf8) + (try CloudEvents.line(event, of: log))
    try FileHandle.standardOutput.writeLines(line + Array("}\n".utf8))
}
