internal import CCurl
internal import Fabric
internal import Hummingbird
internal import HummingbirdTLS
