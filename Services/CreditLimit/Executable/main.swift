import CreditLimitMain
import ServiceKit

await Executable.creditLimit.run()
