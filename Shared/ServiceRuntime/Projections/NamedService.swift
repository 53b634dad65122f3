public import EventSourcing

/// A service as its executable knows it: what its commands have in common.
public protocol NamedService: SendableMetatype {
    /// What decides on its commands.
    associatedtype Subject: Aggregate
    /// What it shows of the log.
    associatedtype Shown: Projection where Shown.Model: StoredModel

    static var serviceName: String { get }
}
