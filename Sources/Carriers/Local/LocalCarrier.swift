internal import Fabric
