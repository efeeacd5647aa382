/// The version of this program. A run's weights may change with it, so processes of different versions share no run.
package let programVersion = "0.1.0"
