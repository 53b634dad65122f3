import AuditMain
import BalanceMain
import CommandLine
import CreditLimitMain
import CreditMain
import EventStoreCommandLine
import OrdersMain
import RouteMain
import WithdrawMain

// One executable for all processes keeps the image small: it contains their common code once.
await Executable.run(
    oneOf: [
        .eventStore, .orders, .route, .balance, .creditLimit, .withdraw, .credit, .audit,
    ])
