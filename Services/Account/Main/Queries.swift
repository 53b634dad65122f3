import AccountDomain
import Contracts
import EventSourcing
public import ServiceRuntime

extension MovementService {
    /// Returns the query of a name for the movements of an account.
    public static func movementQuery(_ name: String) -> ServiceQuery<Self, String, [Movement]> {
        ServiceQuery(
            name, of: { .stream(try StreamName(category: Account.category, id: $0)) },
            from: .disk(Movement.rows))
    }
}
