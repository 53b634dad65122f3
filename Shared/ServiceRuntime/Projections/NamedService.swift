public import EventSourcing

/// A service as its command-line tool knows it: its name, its aggregate and its projection.
public protocol NamedService: SendableMetatype {
    /// The aggregate that decides the service's commands.
    associatedtype Subject: Aggregate
    /// The projection that the service's queries read.
    associatedtype Shown: Projection where Shown.Model: StoredModel

    /// The name of the executable and of the service's folder.
    static var serviceName: String { get }
}
