public import Contracts
public import EventSourcing

/// Recomputes the suite's books from the log, with arithmetic of its own instead of the deciders',
/// so that it finds a decider's mistakes.
///
/// Feed it every event in log order. It checks the invariants at each position. `close` checks the
/// rules that hold once nothing is in flight. Amounts are 128 bits wide: no sum of 64-bit amounts
/// overflows them.
public struct Audit: Sendable {
    /// An order confirmed later than this after its deadline is a finding. The services' clocks
    /// may differ by as much.
    public static let tolerance: Duration = .seconds(5)

    /// The broken rules so far, in the order of the log.
    public internal(set) var findings: [Finding] = []
    /// The sums of all accounts, by currency.
    public internal(set) var totals: [Currency: Totals] = [:]
    /// How many events were read with other data than was appended, or skipped.
    public internal(set) var amendedEvents = 0
    var accounts: [String: AccountBook] = [:]
    var limits: [String: LimitBook] = [:]
    var orders: [String: OrderBook] = [:]
    /// Credits that repaid a debt, by event id, until creditLimit has acted on them.
    var repayments: [EventID: Trigger] = [:]
    var position: UInt64 = 0
    /// The streams with an event that can't be read, or that belongs to another stream. Services
    /// do not apply their later events, and the audit does not check them.
    var stopped: Set<StreamName> = []

    /// Creates an audit that has seen no event.
    public init() {}

    /// Checks the next record of the log. Ignores categories that are not the suite's.
    ///
    /// An event that can't be read is a finding, and the figures of its order, account or credit
    /// limit are unknown from there on. The audit checks all others.
    public mutating func record(_ record: RecordedEvent) {
        if record.isAmended || record.isSkipped { amendedEvents += 1 }
        guard Event.categories.contains(record.category) else { return }
        do {
            for event in try Recorded<Event>.events(in: record, by: Audit.self) {
                self.record(event)
            }
        } catch {
            stopped.insert(record.stream)
            add(.unreadable, "\(error)", at: record.position)
        }
    }

    /// Checks the next event of the log.
    public mutating func record(_ recorded: Recorded<Event>) {
        position = recorded.position
        let (event, stream) = (recorded.event, recorded.stream)
        guard event.category == stream.category else {
            stopped.insert(stream)
            let text = "stream \(stream) holds \(event.type), which belongs to \(event.category)"
            return add(.unreadable, text, order: event.order)
        }
        guard event.owner == stream.id else {
            stopped.insert(stream)
            let text = "stream \(stream) holds \(event.type) for \(event.category) \(event.owner)"
            return add(.misplaced, text, order: event.order)
        }
        if let order = event.order {
            let place = OrderBook.Place(position: position, stream: stream.description)
            for step in event.steps { orders[order, default: OrderBook()].record(step, at: place) }
        }
        guard !stopped.contains(stream) else { return }
        switch event {
        case .order(let event): record(event, recorded)
        case .route: break
        case .account(let event): record(event, recorded)
        case .creditLimit(let event): record(event, recorded)
        }
    }

    // MARK: Findings

    mutating func check(
        _ holds: Bool, _ message: @autoclosure () -> String, order: String? = nil
    ) {
        guard !holds else { return }
        add(.invariant, message(), order: order)
    }

    /// Adds a finding.
    ///
    /// - Parameter position: the position of the event. By default, the current event's.
    mutating func add(
        _ kind: Finding.Kind, _ message: String, at position: UInt64? = nil, order: String? = nil
    ) {
        findings.append(
            Finding(kind, message, position: position ?? self.position, order: order))
    }

    // MARK: Figures

    /// Whether the services can't read an event.
    public var hasStopped: Bool { !stopped.isEmpty }

    /// How many streams have an event that services can't read. The figures lack their later
    /// events.
    public var stoppedStreams: Int { stopped.count }

    /// Returns the ids of the streams of a category that have an event which services can't read.
    public func stopped(_ category: String) -> Set<String> {
        Set(stopped.lazy.filter { $0.category == category }.map(\.id))
    }

    /// How many orders were placed.
    public var orderCount: Int { orders.values.count { $0.status != nil } }

    /// The number of orders in each status, by its name: pending, confirmed, rejected, cancelled.
    public var ordersByStatus: [String: Int] {
        Dictionary(
            uniqueKeysWithValues: OrderBook.Status.allCases.map { status in
                (status.rawValue, orders.values.count { $0.status == status })
            })
    }
}
